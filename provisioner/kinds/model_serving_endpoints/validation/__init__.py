"""Relations between the fields of an endpoint that a JSON Schema cannot express."""
