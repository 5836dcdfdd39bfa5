"""A lab from start to end: the supervisor and the processes it leaves behind."""
