"""The place: zones, endpoints, routing rules; a live cluster, or the lab."""
