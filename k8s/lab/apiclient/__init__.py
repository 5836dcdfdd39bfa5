"""The lab's own processes as clients of its API server.

``api`` asks one thing at a time, ``feed`` follows a kind of object without waiting, ``following`` does so
in an asyncio loop.
"""
