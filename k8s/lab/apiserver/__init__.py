"""The lab's API server: the part of the Kubernetes API that kubectl, the clients and our own tools use.

Pure parts: ``resources`` (what is served), ``schema`` and ``kinds`` (the shape of each kind), ``store``,
``listing``, ``decoding``, ``defaults``, ``validation``, ``patch``, ``writing``, ``selectors``, ``tables``,
``discovery``, ``openapi``, ``statuses``. HTTP parts: ``bodies``, ``watching``, ``handlers``, ``app``.

It differs from a real one on purpose: nobody has to log in; nothing is kept on disk; nodes, pods and
workloads may bring their ``status`` when they are created, because no kubelet fills it in later; what is
deleted is gone at once, whatever its finalizers; cluster IPs are not handed out; endpoints may be loopback
addresses; events do not expire; protobuf and server-side apply are not spoken (415).
"""
