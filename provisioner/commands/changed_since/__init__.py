"""``plan --changed-since``: plans for the environments that a change of files affects."""
