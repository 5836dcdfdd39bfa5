"""What can be wrong with zone routing, a file a subject; ``examination`` asks them in order. Pure.

Diagnoses: ``knobs`` (D01-D03) with ``stray_knobs``, ``cpu`` (D10-D13), ``absence`` (D14-D16), ``counts``
(D20-D23), ``staleness`` (D30-D33), ``reach`` (D40-D43), ``dataplane`` (D44-D45) with ``loadbalancers``,
``connections`` (D50-D51), ``load`` (D52-D53). They look at a ``situation`` in a ``place``, with clients
``assumed`` where nobody is named and the ``outlook`` of the predictor, and give a ``finding`` with its
``commands``. ``survey`` looks at every Service, with ``shares``; ``doctor_text`` prints, ``cli`` is the verb.
"""
