"""Users that may not do something, and what they are told."""

from typing import Any

import pytest

from k8s.lab.apiserver.access import (
    ACCESS_REVIEW,
    RESTRICTED,
    RULES_REVIEW,
    USER_REVIEW,
    check,
    reviewed,
    user_of,
    verb_of,
)
from k8s.lab.apiserver.requests import target_of
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import wire


def code_of(token: str, method: str, path: str) -> int:
    """0 if it is allowed, the refusal's code if not."""
    target = target_of(path)
    assert target is not None
    try:
        check(user_of(f"Bearer {token}"), verb_of(method, target, is_watch=False), target)
    except StatusError as refused:
        return refused.code
    return 0


PODS = "/api/v1/namespaces/catalog/pods"


@pytest.mark.parametrize(
    ("token", "method", "path", "expected"),
    [
        ("deny:list:nodes", "GET", "/api/v1/nodes", False),
        ("deny:list:nodes", "GET", "/api/v1/nodes/a", True),
        ("deny:list:nodes", "GET", PODS, True),
        ("deny:get:nodes,list:pods", "GET", PODS, False),
        ("deny:*:pods", "DELETE", PODS, False),
        ("deny:delete:*", "DELETE", f"{PODS}/p", False),
        ("deny:patch:deployments.apps", "PATCH", "/apis/apps/v1/namespaces/ui/deployments/ui", False),
        ("deny:patch:deployments", "PATCH", "/apis/apps/v1/namespaces/ui/deployments/ui", False),
        ("deny:patch:pods", "PATCH", f"{PODS}/p/status", True),
        ("deny:patch:pods/status", "PATCH", f"{PODS}/p/status", False),
        ("deny:create:pods/portforward", "GET", f"{PODS}/p/portforward", False),
        ("deny:get:pods/portforward", "GET", f"{PODS}/p/portforward", False),
        ("anything-else", "GET", "/api/v1/nodes", True),
    ],
)
def test_only_what_is_named_is_denied(token: str, method: str, path: str, expected: bool) -> None:
    """By verb and resource; subresources are resources of their own."""
    assert code_of(token, method, path) == (0 if expected else 403)


@pytest.mark.parametrize(
    "token", ["deny:", "deny:nodes", "deny:list:", "deny:list:nodes,", "deny:LIST:nodes"]
)
def test_a_token_with_a_slip_is_401(token: str) -> None:
    """Lest a test believes that it has denied something."""
    with pytest.raises(StatusError) as refused:
        user_of(f"Bearer {token}")
    assert refused.value.code == 401


def test_a_watch_is_a_verb_of_its_own(url: str) -> None:
    """A token on the wire, and a watch refused before it starts."""
    headers = {"Authorization": "Bearer deny:watch:nodes"}
    watching = wire.get(f"{url}/api/v1/nodes", headers, watch="1")
    listing = wire.get(f"{url}/api/v1/nodes", headers)

    assert (watching.status, listing.status) == (403, 200)
    assert watching.json["message"] == (
        f'nodes is forbidden: User "{RESTRICTED}" cannot watch resource "nodes" in API group "" '
        "at the cluster scope"
    )


def test_a_subresource_is_named_with_its_object(url: str) -> None:
    """As RBAC words it, in a namespace."""
    headers = {"Authorization": "Bearer deny:create:pods/portforward"}
    answer = wire.get(f"{url}{PODS}/p/portforward", headers, ports=80)

    assert answer.json["message"] == (
        f'pods "p" is forbidden: User "{RESTRICTED}" cannot create resource "pods/portforward" '
        'in API group "" in the namespace "catalog"'
    )


@pytest.mark.parametrize(("verb", "expected"), [("list", False), ("get", True)])
def test_reviews_know_what_is_denied(verb: str, expected: bool) -> None:
    """So a client that asks first is told the truth."""
    user = user_of("Bearer deny:list:nodes")
    body = {"spec": {"resourceAttributes": {"verb": verb, "resource": "nodes"}}}

    assert reviewed(ACCESS_REVIEW, user, body)["status"]["allowed"] is expected
    rules = reviewed(RULES_REVIEW, user, {})["status"]["resourceRules"]
    assert any(verb in rule["verbs"] and "nodes" in rule["resources"] for rule in rules) is expected
    assert reviewed(USER_REVIEW, user, {})["status"]["userInfo"]["username"] == RESTRICTED


@pytest.mark.parametrize("body", [[], None, {"kind": "Pod"}, {"apiVersion": "v1"}])
def test_a_review_of_something_else_is_400(url: str, body: Any) -> None:
    """Over the wire."""
    assert wire.post(url + ACCESS_REVIEW.path, body).status == 400
    assert wire.get(url + ACCESS_REVIEW.path).status == 405
