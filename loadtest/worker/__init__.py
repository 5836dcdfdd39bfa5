"""Everything a Locust process loads, and nothing else; the manifests mount this folder.

``locustfile`` is the entry, ``locust_worker`` takes orders, ``shopper`` sends requests when ``plan`` says
so, of the pages that ``choice`` picks among ``products``, over ``connections``, awake by ``alarm``;
``placement`` is where it runs. Counted in ``counting``, ``tally``, ``latency``; traced in ``tracing``,
sent by ``sink``. The master's ``conductor`` keeps the ``board``, deals users to seats (``dealing``)
and shows the ``zones_tab`` behind the ``web_door``; both sides speak ``messages`` in ``typed_json``.
"""
