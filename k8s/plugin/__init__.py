"""``kubectl samezone``: ``entry`` is what kubectl starts, ``cli`` the verbs."""
