"""What calls do now: the numbers of the Zones tab, from the source of calls while load goes on.

``glimpse`` is what the source showed of a few seconds, ``picture`` what the tab is told of them (both pure);
``eyes`` looks again and again, in a thread of its own. ``cli`` is ``samezone web``.
"""
