"""Everything that goes wrong on command, and the log of requests."""
