"""Intervals, tests and plans, over numbers alone. Pure."""
