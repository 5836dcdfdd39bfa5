"""Only look: what the calls of a window were, without a load of ours and with nothing changed.

Values and pure: ``observed`` (the numbers of an observation), ``apart`` (workloads of one name in several
namespaces), ``outlooks`` (what a Service setting would do to a pair), ``reading`` (counts -> numbers),
``remarks`` (what to know before believing them), ``contrast`` (two observations), ``repeating`` (the
commands it advises), ``moments`` (windows in words). ``observing`` is the use-case, ``live_place`` reads a
lab or a cluster, ``nowhere`` none, ``stored_graphs`` files.
"""
