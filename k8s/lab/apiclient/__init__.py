"""The lab's own processes as clients of its API server."""
