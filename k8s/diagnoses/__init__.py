"""What can be wrong with zone routing, a file a subject; ``k8s/doctor.py`` asks them in order. Pure."""
