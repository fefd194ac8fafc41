"""Releases: what one environment has proven, proposed to the next. Pure decisions."""
