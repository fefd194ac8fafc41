"""``pin``, ``promote``, ``rollback``, ``history``: releases of values between environments."""
