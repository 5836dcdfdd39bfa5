"""The lab's machines: kubelets, the processes of pods, outages.

``kubelet`` is the work for one pod, ``keepers`` those of all nodes, ``machines`` nodes that join,
``outages`` power that fails and comes back, ``guests`` pods of processes that are not the lab's.
"""
