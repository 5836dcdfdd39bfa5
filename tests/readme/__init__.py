"""The pages that people read: ``pages`` finds what stands in them.

``recording``, ``filming`` and ``pictures`` make the README's pictures from a real demo, by hand:
``python -m tests.readme.pictures``.
"""
