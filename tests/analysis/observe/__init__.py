"""Only looking."""
