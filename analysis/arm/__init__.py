"""One run, read: its calls by zone, cost, prediction and caveats.

``result`` puts an arm together from its ``inputs`` (who was where, who called whom): ``splitting`` (the run's
own calls, by pod; ``own_calls``: those of a sample, ``hops``: where those stand among the counts),
``tracing`` (what a share is worth where what was traced is a sample), ``provenance`` (where names and counts
came from), ``pairs`` (calls of one workload to another; ``pod_flows``: in columns), ``placing`` (where both
ends are), ``connections`` (told apart in a sample), ``chances`` (what is one random choice behind a pair),
``surroundings`` (stated zones, dependencies), ``losses`` (what never arrived), ``relay_check`` (the counts
against the lab's relays), ``cost`` (bytes and money, at the prices of ``tariffs``),
``course`` (the pair over the time of the window),
``expectation`` (the share that the hints seen lead one to expect), ``integrity`` (whether the artifacts agree
with one another) and ``caveats``. ``views`` is a run under which several Services had the mode, as one run
for each of them.
"""
