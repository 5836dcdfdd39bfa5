"""The embedded place: emulated zones, real processes, real sockets.

``scenario_files`` are situations to choose from, ``state`` is the lab's state file, ``processes`` looks
at what runs, ``asking`` at what its servers answer, ``truth`` makes sense of the relays' counts, ``life``
makes things happen to a running lab; ``half_sent`` bounds how long requests take to come, ``depth`` how
deep what they hold is nested; verbs: ``bring_cli`` (up, down,
status), ``life_cli``, ``xray_cli``. Folders: ``design/`` (what it shall be),
``run/`` (up and down), ``apiserver/``, ``apiclient/``, ``controllers/``, ``nodes/``, ``relay/``
(kube-proxy), ``service/`` (what pods are made of, and any app's program), ``store/`` (the demo store),
``xray/`` (the stand-in), ``logs/`` (what it answers as CloudWatch Logs).
"""
