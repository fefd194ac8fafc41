"""``render``: an environment as it will be."""
