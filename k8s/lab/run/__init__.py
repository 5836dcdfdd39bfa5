"""A lab from start to end: the supervisor and the processes it leaves behind.

``bringing`` is up and down as a person asks for it, ``supervisor`` does it, ``lineup`` says beforehand
what each process is told, with ``ports`` that can be had and ``name_letters`` as Kubernetes makes them.
In the lab's own process: ``zygote`` forks the others, ``crew`` keeps them, ``seeding`` fills the API,
``control_plane`` follows it, ``scraper`` keeps a Prometheus that looks on.
"""
