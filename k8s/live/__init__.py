"""Everything that touches a Kubernetes API or a file saved from one.

``cluster`` is the only file that knows the Kubernetes client, ``opening`` says which one is meant.
``control`` sets a mode and waits, ``switching`` does it for a person, ``originals`` remembers what there was.
``holding`` keeps a Service for one process from the first change until it is as it was: ``leases`` are what
that is written in, ``claims`` how one is got, ``this_process`` who we are; ``several`` does it for more
than one Service at once. ``recycle`` restarts clients, ``forward`` reaches a pod. ``live_scene`` and
``saved`` read a whole place, ``entry_reading`` the ways into it; ``saved_files`` finds the documents in what
people save, ``yaml_reader`` those in YAML.
"""
