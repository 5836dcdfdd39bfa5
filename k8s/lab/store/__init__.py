"""The lab's shop: ``ui`` calls ``catalog``, with the paths and the fan-out of the AWS retail store sample.

``pod_settings`` is what a pod is told, ``httpd`` and ``serving`` answer, ``pages`` and ``products`` are
what they answer with, ``database`` is what catalog asks, ``calls`` goes from ui to catalog over an
``exchange``, ``tracing`` reports both.
"""
