"""What each routing mode would do to a Service, before anything is changed.

``prediction`` is over all that is left to chance, ``expected`` under given hints, ``clients`` where the
clients are, ``predict_text`` the words, ``cli`` the verb.
"""
