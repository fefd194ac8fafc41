"""Gradual rollouts of served entities: which of them are versions, and how traffic is divided."""
