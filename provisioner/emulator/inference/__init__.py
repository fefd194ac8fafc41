"""Queries of endpoints, the data plane: from the traffic split to made-up or forwarded answers."""
