"""Secret scopes, their values and who may read them."""
