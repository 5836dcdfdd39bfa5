"""The place: zones, endpoints, routing rules; a live cluster, or the lab.

``topology`` is the place as values, ``errors`` what can go wrong, ``effects`` what a use-case is given
instead of a terminal and a clock, ``console`` what all command lines share, ``doors`` whom a web server of
the lab lets in, ``filemark`` how a file that is not ours is called, ``cli`` the verbs. Folders: ``process/``
(signals, standard streams), ``commandline/`` (what is typed, and a help page), ``model/`` (raw objects to
facts), ``routing/`` (hints and kube-proxy's choice), ``predict/``, ``doctor/``, ``live/`` (an API server),
``eks/`` (a cluster to try it on), ``lab/`` (the embedded place), ``bench/``, ``plugin/`` (the verbs that
kubectl finds).
"""
