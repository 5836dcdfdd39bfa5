"""Users that may not do something, and what they are told."""

from typing import Any

import pytest

from k8s.lab.apiserver.access import (
    ACCESS_REVIEW,
    RESTRICTED,
    RULES_REVIEW,
    USER_REVIEW,
    User,
    check,
    reviewed,
    user_of,
    verb_of,
)
from k8s.lab.apiserver.requests import target_of
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import samples, wire


def user_called(name: str) -> User:
    """Whoever has the token, as the user of this name."""
    return user_of({"Authorization": f"Bearer {wire.TOKEN}/{name}"}, wire.TOKEN)


def code_of(token: str, method: str, path: str) -> int:
    """0 if it is allowed, the refusal's code if not."""
    target = target_of(path)
    assert target is not None
    try:
        check(user_called(token), verb_of(method, target, is_watch=False), target)
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
        user_called(token)
    assert refused.value.code == 401


def test_a_watch_is_a_verb_of_its_own(url: str) -> None:
    """A token on the wire, and a watch refused before it starts."""
    headers = {"Authorization": f"Bearer {wire.TOKEN}/deny:watch:nodes"}
    watching = wire.get(f"{url}/api/v1/nodes", headers, watch="1")
    listing = wire.get(f"{url}/api/v1/nodes", headers)

    assert (watching.status, listing.status) == (403, 200)
    assert watching.json["message"] == (
        f'nodes is forbidden: User "{RESTRICTED}" cannot watch resource "nodes" in API group "" '
        "at the cluster scope"
    )


def test_a_subresource_is_named_with_its_object(url: str) -> None:
    """As RBAC words it, in a namespace."""
    headers = {"Impersonate-User": "deny:create:pods/portforward"}
    answer = wire.get(f"{url}{PODS}/p/portforward", headers, ports=80)

    assert answer.json["message"] == (
        f'pods "p" is forbidden: User "{RESTRICTED}" cannot create resource "pods/portforward" '
        'in API group "" in the namespace "catalog"'
    )


@pytest.mark.parametrize(("verb", "expected"), [("list", False), ("get", True)])
def test_reviews_know_what_is_denied(verb: str, expected: bool) -> None:
    """So a client that asks first is told the truth."""
    user = user_called("deny:list:nodes")
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


NOBODY = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}
"""As a real one says it."""


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {wire.TOKEN}x"},
        {"Authorization": f"Basic {wire.TOKEN}"},
        {"Authorization": wire.TOKEN},
        {"Authorization": "", "Impersonate-User": "lab"},
        {"Authorization": "", "Impersonate-User": "lab", "Impersonate-Extra-Token": "wrong"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/pods"),
        ("GET", "/api/v1/pods?watch=1"),
        ("GET", "/apis"),
        ("GET", "/openapi/v2"),
        ("GET", "/no/such/path"),
        ("POST", "/api/v1/namespaces"),
        ("POST", ACCESS_REVIEW.path),
        ("PUT", "/api/v1/namespaces/default"),
        ("PATCH", "/api/v1/namespaces/default"),
        ("DELETE", "/api/v1/namespaces/default"),
        ("GET", f"{PODS}/p/portforward?ports=80"),
    ],
)
def test_without_the_token_nothing_is_told(url: str, method: str, path: str, headers: dict[str, str]) -> None:
    """401 before anything else is looked at."""
    answer = wire.call(method, url + path, b"{", headers)

    assert (answer.status, answer.json) == (401, NOBODY)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping", "/version"])
def test_everybody_may_ask_how_it_is(url: str, path: str) -> None:
    """As on a real one."""
    assert wire.get(url + path, {"Authorization": ""}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {wire.TOKEN}"},
        {"Authorization": f"bearer  {wire.TOKEN}"},
        {"Authorization": "", "Impersonate-User": "lab", "Impersonate-Extra-Token": wire.TOKEN},
    ],
)
def test_the_token_opens(url: str, headers: dict[str, str]) -> None:
    """As clients send it, and as kubectl does without TLS."""
    assert wire.get(f"{url}/api/v1/pods", headers).status == 200


def test_a_server_without_a_token_lets_nobody_in() -> None:
    """Rather than everybody."""
    with pytest.raises(StatusError, match="Unauthorized"):
        user_of({"Authorization": "Bearer "}, "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.test"}, 421),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/api/v1/namespaces"),
        ("HEAD", "/api/v1/namespaces"),
        ("OPTIONS", "/api/v1/namespaces"),
        ("POST", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/namespaces/default"),
        ("GET", f"{PODS}/p/portforward?ports=80"),
    ],
)
def test_pages_of_others_are_refused_with_any_method(
    url: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Also with the token, and no header tells a browser that the answer may be read."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"} if "portforward" in path else {}
    answer = wire.call(method, url + path, samples.namespace("stranger"), headers | upgrade)

    assert answer.status == status
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert wire.get(f"{url}/api/v1/namespaces/stranger").status == 404
    assert wire.get(f"{url}/api/v1/namespaces/default").status == 200
