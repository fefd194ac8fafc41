"""``query``, ``connect`` and the views of ``verify``."""
