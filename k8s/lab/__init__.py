"""The embedded place: emulated zones, real processes, real sockets."""
