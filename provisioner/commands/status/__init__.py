"""``status``: states of live resources."""
