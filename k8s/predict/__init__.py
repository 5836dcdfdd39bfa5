"""What each routing mode would do to a Service, before anything is changed.

``prediction`` is over all that is left to chance, from a ``starting_point``; ``expected`` is under given
hints, ``shift`` under a zonal shift. ``clients`` says where the clients are, ``carriage`` what carries their
connections; ``predict_text`` has the words, ``cli`` is the verb.
"""
