"""The embedded place: emulated zones, real processes, real sockets.

``state`` is the lab's state file, ``processes`` and ``readiness`` look at what runs, ``truth`` reads the
relays' counts, ``life`` makes things happen to a running lab; verbs: ``life_cli``, ``xray_cli``. Folders:
``design/`` (what it shall be), ``run/`` (up and down), ``apiserver/``, ``apiclient/``, ``controllers/``,
``nodes/``, ``relay/`` (kube-proxy), ``store/`` (the pods), ``xray/`` (the stand-in).
"""
