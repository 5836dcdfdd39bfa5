"""Load generators in every zone, on the lab and on a cluster.

``interface`` is a swarm and ``platforms`` a place for one. The lab: ``lab_platform``, ``local_swarm``
(processes). A cluster: ``cluster_platform``, ``cluster_swarm`` (pods). ``locust_master`` drives either.
"""
