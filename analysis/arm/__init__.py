"""One run, read: its calls by zone, cost, prediction and caveats.

``result`` puts an arm together from its ``inputs`` (who was where, who called whom): ``pairs`` (calls of
one workload to another), ``connections`` (told apart in a sample), ``surroundings`` (stated zones,
dependencies), ``cost`` (bytes and money, at the prices of ``tariffs``), ``expectation`` (the share that
the hints seen lead one to expect), ``losses`` (how many calls are missing) and ``caveats``.
"""
