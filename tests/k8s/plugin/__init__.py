"""What kubectl finds."""
