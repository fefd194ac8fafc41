"""``emulator``: commands about the local workspace."""
