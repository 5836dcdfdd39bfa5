"""What a lab shall be. Values.

``settings`` is its shape, ``application`` what runs there and who calls whom, ``store_app`` the demo store as
one. ``scenario`` is a situation to start from (``app_entries``: what it may say of an app), ``scenario_text``
reads one. ``layout`` says which nodes and pods that makes, ``addresses`` where they are, ``seeds`` which API
objects there are at first, ``marks`` what the lab writes on objects for itself.
"""
