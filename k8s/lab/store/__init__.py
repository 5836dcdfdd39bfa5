"""The demo store: ``ui`` calls ``catalog``, with the paths and the fan-out of the AWS retail store sample.

``pages`` and ``products`` are what they answer with, ``database`` is what catalog asks. What every pod of the
lab has is in ``k8s/lab/service``.
"""
