"""From a plan to its outcomes: carries out what the plan says, and decides nothing."""
