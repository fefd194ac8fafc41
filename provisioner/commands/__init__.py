"""What a command does beyond the workflow: a folder a topic, with its views beside its logic."""
