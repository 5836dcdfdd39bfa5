"""Kubernetes objects as values: raw JSON in, facts out.

``objects`` reads one object at a time, through ``fields`` (which name what is wrong) and ``quantity``
(CPU); ``raw_scene`` makes a ``scene`` of all of them: everything that routing depends on. ``agents``
tells the data plane; ``lookalikes`` knows keys that only look as if they set a routing mode; ``names`` says
which names may be given, ``field_managers`` who set a field, ``entries`` who answers at which address,
``nearest`` which name somebody may have meant, ``near_services`` which Service; ``figures`` writes numbers.
``yaml_text`` reads our own YAML files.
"""
