"""What can be wrong with zone routing, a file a subject; ``examination.py`` asks them in order. Pure."""
