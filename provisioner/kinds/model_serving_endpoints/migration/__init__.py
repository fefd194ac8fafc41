"""What an endpoint becomes in Unity Gateway."""
