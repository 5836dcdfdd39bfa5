"""A cluster to try it on: EKS by Terraform, or kind on this machine.

``lifecycle`` makes, fills and removes a cluster; ``session`` is what a person asks of one. Other people's
programs: ``programs``, ``terraform`` (whose answers ``terraform_output`` reads), ``kubectl``, ``kind``,
``manifests`` (kustomize; ``locustfiles`` put a user's own into them). ``prices`` and ``words`` say what it
costs and leaves. Verbs: ``cli``, ``kind_cli``.
"""
