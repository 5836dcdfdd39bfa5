"""What a lab shall be. Values.

``settings`` is its shape, ``scenario`` is a situation to start from, ``scenario_text`` reads one.
``layout`` says which nodes and pods that makes, ``addresses`` where they are, ``seeds`` which API objects
there are at first, ``marks`` what the lab writes on objects for itself.
"""
