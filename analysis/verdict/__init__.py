"""Two arms, judged: gates, guard rails, effects, a decision.

``compare`` makes the comparison; ``windows`` is a measured window as the statistics need it, ``effects``
what changed, ``gates`` whether that is evidence, ``guards`` whether it is no worse, ``requirements`` what
a person wants besides, ``decision`` the word, ``advice`` what to do. ``compared`` and ``judged`` hold the
values that the artifacts keep of it, ``listed`` bounds what they list pod by pod.
"""
