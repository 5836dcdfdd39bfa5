"""One run, read: its calls by zone, cost, prediction and caveats.

``result`` puts an arm together from its ``inputs`` (who was where, who called whom): ``splitting`` (the run's
own calls, by pod), ``tracing`` (what a share is worth where what was traced is a sample), ``provenance``
(where names and counts came from), ``pairs`` (calls of one workload to another), ``connections`` (told apart
in a sample), ``chances`` (what is one random choice behind a pair), ``surroundings`` (stated zones,
dependencies), ``losses`` (what never arrived), ``cost`` (bytes and money, at the prices of ``tariffs``),
``expectation`` (the share that the hints seen lead one to expect), ``integrity`` (whether the artifacts agree
with one another) and ``caveats``.
"""
