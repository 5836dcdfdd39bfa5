"""Everything a Locust process loads, and nothing else; the manifests mount this folder.

``locustfile`` is the entry, ``locust_worker`` takes orders, ``shopper`` sends requests when ``arrivals`` are
due by the ``plan``, of the pages that ``choice`` picks (by ``scramble``), with ids by ``extraction`` and
values of ``variables``, to a ``target``, awake by ``alarm``: by a ``lean_client`` over a ``channel``, which
reads the ``answer``, or by Locust's own over ``connections``; ``placement`` is where it runs. Counted in
``counting``, ``tally``, ``latency``, for Locust in a ``stats_batch``; traced in ``tracing``, sent by
``sink``. The master's ``conductor`` keeps the ``board``, deals users to seats (``dealing``) and shows the
``zones_tab`` behind the ``web_door``; ``zones.js`` draws it in the browser, and what it shows of live
traffic is a ``live_view`` that was handed in over the ``live_desk``, below ``live_notices`` of what is wrong
with it. Both sides speak ``messages`` in ``typed_json``. ``own_users`` loads a locustfile of the user's own
(``own_file``); ``own_hooks`` show its requests to ``own_requests``.
"""
