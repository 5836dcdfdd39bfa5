"""What a lab shall be. Values.

``settings`` is its shape, ``scenario`` reads one from YAML, whose form ``shape`` checks. ``layout`` says
which nodes and pods that makes, ``addresses`` and ``ports`` where they are, ``seeds`` which API objects
there are at first, ``marks`` what the lab writes on objects for itself.
"""
