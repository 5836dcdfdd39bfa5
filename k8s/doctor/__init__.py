"""What can be wrong with zone routing, a file a subject; ``examination`` asks them in order. Pure.

Diagnoses: ``knobs`` (D01-D03), ``cpu`` (D10-D13), ``counts`` (D20-D23), ``staleness`` (D30-D33),
``reach`` (D40-D43), ``dataplane`` (D44-D45), ``connections`` (D50-D51). They look at a ``situation`` in a
``place``, give a ``finding`` with its ``commands``. ``survey`` looks at every Service, with ``shares``;
``doctor_text`` prints and ``cli`` is the verb.
"""
