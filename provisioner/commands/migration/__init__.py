"""``migrate``: manifests for the successors of endpoints, a report, and a comparison of both."""
