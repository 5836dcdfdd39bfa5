"""A cluster to try it on: EKS by Terraform, or kind on this machine.

``lifecycle`` makes, fills and removes a cluster; ``session`` is what a person asks of one. Other people's
programs: ``programs``, ``terraform`` (whose answers ``terraform_output`` reads), ``kubectl``,
``manifests`` (kustomize), ``kind``. ``prices`` and ``words`` say what it costs and leaves. Verbs:
``cli``, ``kind_cli``.
"""
