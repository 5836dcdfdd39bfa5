"""The lab's kube-proxy: one process a node that relays TCP connections and counts them.

The counters are the lab's ground truth. They come from sockets alone: nothing here reads a request, a trace
or anything an analysis made.
"""
