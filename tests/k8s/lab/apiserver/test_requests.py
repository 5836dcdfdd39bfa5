"""URLs and queries as values."""

import pytest

from k8s.lab.apiserver.requests import Options, RequestTarget, options_of, target_of
from k8s.lab.apiserver.resources import DEPLOYMENTS, ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES
from k8s.lab.apiserver.statuses import StatusError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/pods", RequestTarget(resource=PODS)),
        ("/api/v1/namespaces", RequestTarget(resource=NAMESPACES)),
        ("/api/v1/namespaces/catalog", RequestTarget(resource=NAMESPACES, name="catalog")),
        (
            "/api/v1/namespaces/catalog/status",
            RequestTarget(resource=NAMESPACES, name="catalog", subresource="status"),
        ),
        ("/api/v1/namespaces/catalog/services", RequestTarget(resource=SERVICES, namespace="catalog")),
        (
            "/api/v1/namespaces/catalog/services/ui",
            RequestTarget(resource=SERVICES, namespace="catalog", name="ui"),
        ),
        (
            "/api/v1/namespaces/catalog/pods/p/status",
            RequestTarget(resource=PODS, namespace="catalog", name="p", subresource="status"),
        ),
        (
            "/api/v1/namespaces/catalog/pods/p/portforward",
            RequestTarget(resource=PODS, namespace="catalog", name="p", subresource="portforward"),
        ),
        ("/api/v1/nodes/node-a-1", RequestTarget(resource=NODES, name="node-a-1")),
        ("/apis/discovery.k8s.io/v1/endpointslices", RequestTarget(resource=ENDPOINT_SLICES)),
        ("/apis/apps/v1/namespaces/ui/deployments/", RequestTarget(resource=DEPLOYMENTS, namespace="ui")),
    ],
)
def test_paths_name_objects_and_collections(path: str, expected: RequestTarget) -> None:
    """With and without a namespace, with and without a name."""
    assert expected == target_of(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/api", "/api/v1", "/apis/apps/v1", "/apis/batch/v1/jobs", "/api/v2/pods", "/x/y"],
)
def test_other_paths_name_none(path: str) -> None:
    """Discovery, health, and groups that are not served."""
    assert target_of(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/foos",
        "/api/v1/pods/p",
        "/api/v1/namespaces/catalog/nodes",
        "/api/v1/namespaces/catalog/pods/p/scale",
        "/api/v1/namespaces/catalog/services/s/portforward",
        "/api/v1/namespaces/catalog/events/e/status",
        "/api/v1/namespaces/catalog/pods/p/status/x",
        "/apis/apps/v1/pods",
    ],
)
def test_unknown_names_in_a_known_group_are_404(path: str) -> None:
    """In the words of the real one."""
    with pytest.raises(StatusError, match="the server could not find the requested resource") as refused:
        target_of(path)
    assert refused.value.code == 404


def test_queries_become_options() -> None:
    """Every parameter that is obeyed."""
    query = {
        "labelSelector": "a=b",
        "fieldSelector": "metadata.name=x",
        "limit": "500",
        "continue": "abc",
        "resourceVersion": "12",
        "resourceVersionMatch": "Exact",
        "watch": "1",
        "timeoutSeconds": "5",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "dryRun": "All",
        "fieldValidation": "Strict",
        "gracePeriodSeconds": "0",
        "propagationPolicy": "Orphan",
        "fieldManager": "me",
        "force": "true",
        "pretty": "true",
    }

    assert Options(
        labels="a=b",
        fields="metadata.name=x",
        limit=500,
        go_on="abc",
        version="12",
        version_match="Exact",
        watch=True,
        timeout_s=5,
        bookmarks=True,
        initial_events=True,
        dry_run=True,
        field_validation="Strict",
        grace_s=0,
        propagation="Orphan",
        manager="me",
        is_manager_named=True,
        force=True,
    ) == options_of(query, "kubectl/v1.35.0")


@pytest.mark.parametrize(
    ("user_agent", "manager"),
    [
        ("kubectl/v1.35.0 (linux/amd64)", "kubectl"),
        ("OpenAPI-Generator/35.0/python", "OpenAPI-Generator"),
        ("", "unknown"),
        ("/", "unknown"),
        ("x" * 200, "x" * 128),
    ],
)
def test_who_names_no_field_manager_goes_by_the_user_agent(user_agent: str, manager: str) -> None:
    """As upstream: its first word, and no more than 128 characters."""
    assert manager == options_of({}, user_agent).manager


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("1", True), ("", True), ("0", False), ("false", False), ("False", False)],
)
def test_flags_are_read_as_upstream_reads_them(text: str, expected: bool) -> None:
    """Present, and neither 0 nor false."""
    assert expected is options_of({"watch": text}).watch


@pytest.mark.parametrize("text", ["x", "1.5", "9" * 30, "\u0661"])
def test_a_number_that_is_none_is_400(text: str) -> None:
    """For limits and timeouts alike."""
    with pytest.raises(StatusError, match="invalid syntax") as refused:
        options_of({"limit": text})
    assert refused.value.code == 400


def test_a_negative_limit_is_no_limit() -> None:
    """It does not cut the list from its other end."""
    assert options_of({"limit": "-3"}).limit == 0
