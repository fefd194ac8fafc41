"""What every handler is written with: requests and answers, shapes of bodies, state, settings."""
