"""The nouns of the tool: immutable data that several parts pass on. Nothing here acts."""
