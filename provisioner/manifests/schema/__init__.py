"""The shape of documents: JSON Schema checks and the messages made from them."""
