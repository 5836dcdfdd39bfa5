"""The report of two arms, one file a format."""
