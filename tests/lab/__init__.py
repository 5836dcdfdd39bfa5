"""The whole pipeline on the embedded lab: real processes, real sockets, real clients."""
