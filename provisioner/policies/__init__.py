"""Policies: rules over rendered documents and plans, judged without a workspace."""
