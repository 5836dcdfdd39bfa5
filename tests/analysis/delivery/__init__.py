"""What arrives of what was done: spans delivered for real, through collectors that fail."""
