"""What a user asks of the load."""
