"""Users, service principals and groups: who asks, and with which token."""
