"""Routing as upstream decides it: the EndpointSlice controller's hints, kube-proxy's choice. Pure."""
