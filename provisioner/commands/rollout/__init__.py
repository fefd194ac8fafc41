"""``rollout``: gradual rollouts of new versions, looked at and moved."""
