"""The lab's kube-proxy: one process a node that relays TCP connections and counts them.

``node_proxy`` watches the API and keeps a ``listener`` per Service port; ``rules`` says where new
connections may go, ``wires`` how long the way is, ``connection`` copies the bytes, ``timing`` is its
event loop. The ``counters`` are the lab's ground truth. They come from sockets alone: nothing here reads
a request, a trace or anything an analysis made. ``peers`` knows which pods have the addresses, and
``exposition`` shows the counts to Prometheus as a service mesh would.
"""
