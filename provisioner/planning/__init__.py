"""Desired and live documents become a plan. Pure: no connection, no clock, no printing."""
