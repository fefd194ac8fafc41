"""From text to desired documents: YAML with positions, shape, relations."""
