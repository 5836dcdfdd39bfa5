"""The report of an experiment, one file a format."""
