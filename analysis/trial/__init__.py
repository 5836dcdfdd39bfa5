"""An experiment in interleaved blocks."""
