"""The lab's API server: the part of the Kubernetes API that kubectl, the clients and our own tools use.

Pure parts: ``resources`` (what is served), ``requests`` and ``negotiation`` (what is asked for, in which
form), ``schema`` and ``kinds`` (the shape of each kind), ``name_rules``, ``faults``, ``object_store``,
``listing``, ``decoding``, ``defaults``, ``validation``, ``patch``, ``fieldsets``, ``merging``,
``managers`` (server-side apply), ``writing``, ``deleting``, ``scale``, ``binding``, ``access`` (who may
do what), ``selectors``, ``tables`` with ``columns`` and ``durations``, ``shaping``, ``discovery``,
``openapi``, ``protobuf``, ``spdy``, ``statuses``. HTTP parts: ``bodies``, ``watching``, ``forwarding``,
``tunneling`` and ``pumping`` (port-forwards), ``handlers``, ``about_server`` (what is no object),
``server``.

It differs from a real one on purpose: one token, whose holder may do everything; no pages of others, see
``k8s/doors.py``; port-forwards lead to addresses of the lab's pods only; nothing is kept on disk; a namespace
goes at once, with all it holds; the garbage collector works in the moment of the deletion; pods with the
annotation ``samezone.dev/external: "true"``, whose process the lab does not keep, go at once; cluster IPs are
not handed out; endpoints may be loopback addresses; events go by number, not by age; protobuf is
read in part, and never written.
"""
