"""Load generators in every zone, on the lab and on a cluster.

``interface`` is a swarm and ``platforms`` a place for one. The lab: ``lab_platform``, ``local_swarm``
(processes). A cluster: ``cluster_platform``, ``cluster_swarm`` (pods). ``locust_master`` drives either;
``targets`` checks what either will load,
``locust_command`` starts a Locust process, and looks into a locustfile of the user's own.
"""
