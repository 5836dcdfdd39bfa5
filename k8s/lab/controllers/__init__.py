"""The lab's control plane: EndpointSlices with hints and events, workloads and their rollouts.

``endpointslices`` runs ``reconcile`` (which slices there should be) and ``recorder`` (events, of which
``correlator`` says whether they are news). ``workloads`` runs ``revisions`` (what is made of what),
``rolling`` (the next step of a rollout), ``rollout_status`` and ``placing`` (where a pod goes);
``tenancy`` is pods and nodes as these see them.
"""
