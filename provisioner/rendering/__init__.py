"""Plans, outcomes, problems and states as text and as JSON. Pure but for the live progress."""
