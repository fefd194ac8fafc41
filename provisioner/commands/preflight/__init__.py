"""``plan --preflight``: what a workspace lacks."""
