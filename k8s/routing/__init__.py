"""Routing as upstream decides it: the EndpointSlice controller's hints, kube-proxy's choice. Pure.

``modes`` are the settings, ``convergence`` tells whether their hints are there. ``hints`` decides, with
``allocation`` (how many a zone gets) and ``transfers`` (which zones give). ``assignments`` and ``outcomes``
are all that chance may make of it, ``advice`` what to do about a refusal, ``proxy`` what a node does with
the hints, ``carriers`` what other data planes make of them. ``restoring`` decides what a Service that was
changed gets back, ``leads`` where a URL leads to.
"""
