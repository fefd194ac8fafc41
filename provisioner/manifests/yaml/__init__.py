"""YAML files as plain data, with the position of every part."""
