"""Serving endpoints, the control plane: their parts, deployments, permissions and updates."""
