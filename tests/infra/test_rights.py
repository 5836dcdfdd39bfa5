"""How RBAC is asked here: the rendered Roles answer as Kubernetes would."""

import pytest

from tests.infra.rights import may, request_of

pytestmark = pytest.mark.infra

CATALOG = "/api/v1/namespaces/catalog/services/catalog"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/catalog/leases"
FORWARD = "/api/v1/namespaces/locust/pods/locust-master-x/portforward?ports=8089"


@pytest.mark.parametrize(
    ("method", "path", "is_allowed"),
    [
        ("GET", "/api/v1/nodes?limit=500", True),
        ("GET", "/api/v1/nodes?watch=true", True),
        ("GET", "/api/v1/namespaces/ui/pods", True),
        ("GET", CATALOG, True),
        ("PATCH", CATALOG, True),
        ("PATCH", "/api/v1/namespaces/catalog/services/other", False),
        ("PATCH", "/api/v1/namespaces/ui/services/catalog", False),
        ("DELETE", CATALOG, False),
        ("POST", LEASES, True),
        ("PUT", f"{LEASES}/samezone.catalog", True),
        ("PUT", f"{LEASES}/another", False),
        ("GET", LEASES, False),
        ("GET", FORWARD, True),
        ("POST", "/api/v1/namespaces/ui/pods/x/portforward", False),
        ("GET", "/api/v1/namespaces/ui/secrets", False),
        ("GET", "/apis/apps/v1/namespaces/ui/deployments", True),
        ("GET", "/apis/apps/v1/namespaces/catalog/deployments", False),
    ],
)
def test_what_the_harness_may(method: str, path: str, is_allowed: bool):
    """By verb, group, resource and subresource, name and namespace."""
    asked = request_of(method, path)
    assert asked is not None
    assert may("overlays/simple", asked) is is_allowed


def test_what_everybody_may():
    """The version needs no right."""
    assert request_of("GET", "/version") is None
