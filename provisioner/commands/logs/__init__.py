"""``logs``: the build and server logs of what an endpoint serves."""
