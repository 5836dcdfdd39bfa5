"""What a pod of the lab is made of, and the program that most of them run.

``pod_settings`` is what a pod is told. ``httpd`` (with ``request_bodies``) and ``serving`` answer, ``calls``
goes to another Service over an ``exchange``, ``leaf`` asks a database, ``pacing`` keeps a rate, and
``tracing`` reports all of it, ``xray_header`` reads the trace of callers
who speak X-Ray only. ``program`` does what the app of a scenario says.
"""
