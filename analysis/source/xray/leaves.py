"""A lost document or a leaf? What stands behind a node that X-Ray inferred from its caller alone.

A callee is lost only if it could have sent a document: its name is a workload, a pod, a Service, the host of
a Service or an address of the cluster; or it is a bare HTTP method, as new conventions name a client's span,
under a client whose calls are under study. A database, a service of AWS and a remote name from elsewhere
never send one: X-Ray's developer guide shows a DynamoDB table and an SNS topic like that, and loses nothing.
"""

import re
from typing import Final

from analysis.source.facts import Facts

HOSTS: Final = ("AWS::EKS::", "AWS::EC2::", "AWS::ECS::", "AWS::ElasticBeanstalk::", "AWS::AppRunner::")
"""Types of what a traced program runs on: their nodes are programs, and judged by name."""
METHOD: Final = re.compile(
    r"(HTTP )?(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE|QUERY)( /.*)?|HTTP( /.*)?"
)
"""A span name of OpenTelemetry's HTTP conventions, also with a route behind it."""


def sends_nothing(kind: str) -> bool:
    """Whether nodes of this type never send a document, whatever their name is."""
    return kind.startswith("Database::") or (kind.startswith("AWS::") and not kind.startswith(HOSTS))


def lost_callee(name: str, kind: str, client: str, facts: Facts) -> str | None:
    """Whose document is missing behind an inferred node: its workload, or its bare name; None for a leaf."""
    if sends_nothing(kind):
        return None
    if (workload := facts.workload_at(name)) is not None:
        return workload
    return name if METHOD.fullmatch(name) and facts.studied(client) else None
