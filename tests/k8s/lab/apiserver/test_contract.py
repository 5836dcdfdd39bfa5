"""The same cases through two clients that nobody here wrote: the official one and lightkube."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.clients import Client, Lightkube, Official, RefusedError

MODE = "service.kubernetes.io/topology-mode"


@pytest.fixture(params=[Official, Lightkube], ids=["official", "lightkube"])
def connect(request: pytest.FixtureRequest, url: str, namespace: str) -> Iterator[Callable[[str], Client]]:
    """Makes a client of the test's namespace, as the lab's owner or as a user who may do less."""
    made: list[Client] = []

    def make(user: str = "") -> Client:
        made.append(request.param(url, namespace, f"{wire.TOKEN}/{user}" if user else wire.TOKEN))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def api(connect: Callable[[str], Client]) -> Client:
    return connect("")


@pytest.fixture
def service(api: Client, namespace: str) -> dict[str, Any]:
    """The catalog Service."""
    return api.create(samples.service(namespace))


def replica_set(namespace: str, owner: dict[str, Any]) -> dict[str, Any]:
    """A ReplicaSet as a Deployment's controller makes it."""
    made = samples.deployment(namespace, "catalog-6d5f7c9b8") | {"kind": "ReplicaSet"}
    del made["status"]
    made["metadata"]["ownerReferences"] = [reference_to(owner)]
    return made


def reference_to(owner: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment" if owner["metadata"]["name"] == "catalog" else "ReplicaSet",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


@pytest.mark.usefixtures("service")
def test_what_is_created_is_read_back(api: Client) -> None:
    """With its defaults, through the client's own types."""
    found = api.read("Service", "catalog")["spec"]

    assert (found["type"], found["sessionAffinity"]) == ("ClusterIP", "None")
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP", "targetPort": "http"}]


@pytest.mark.parametrize(
    ("how", "body"),
    [
        ("strategic", {"spec": {"trafficDistribution": "PreferSameZone"}}),
        ("merge", {"spec": {"trafficDistribution": "PreferSameZone"}}),
        ("json", [{"op": "add", "path": "/spec/trafficDistribution", "value": "PreferSameZone"}]),
    ],
)
@pytest.mark.usefixtures("service")
def test_each_type_of_patch(api: Client, how: str, body: Any) -> None:
    """The same change, three ways."""
    assert api.patch("Service", "catalog", how, body)["spec"]["trafficDistribution"] == "PreferSameZone"
    assert api.read("Service", "catalog")["spec"]["trafficDistribution"] == "PreferSameZone"


def test_refusals_are_the_clients_exceptions(api: Client, namespace: str, service: dict[str, Any]) -> None:
    """404, 409 twice and 422, each with its reason and words."""
    api.patch("Service", "catalog", "merge", {"metadata": {"labels": {"a": "b"}}})
    attempts: list[Callable[[], object]] = [
        lambda: api.read("Service", "nobody"),
        lambda: api.create(samples.service(namespace)),
        lambda: api.replace({"apiVersion": "v1", "kind": "Service", **service}),
        lambda: api.patch("Service", "catalog", "merge", {"spec": {"trafficDistribution": "x"}}),
    ]
    found = []
    for attempt in attempts:
        with pytest.raises(RefusedError) as refused:
            attempt()
        found.append((refused.value.code, refused.value.reason, refused.value.message))

    assert found == [
        (404, "NotFound", 'services "nobody" not found'),
        (409, "AlreadyExists", 'services "catalog" already exists'),
        (
            409,
            "Conflict",
            (
                'Operation cannot be fulfilled on services "catalog": the object has been modified; '
                "please apply your changes to the latest version and try again"
            ),
        ),
        (
            422,
            "Invalid",
            (
                'Service "catalog" is invalid: spec.trafficDistribution: Unsupported value: "x": '
                'supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'
            ),
        ),
    ]


def test_selectors_and_pages(api: Client, namespace: str) -> None:
    """By label, by field, and in pages of two."""
    for number in range(5):
        made = samples.pod(f"p{number}", namespace, on=f"node-{number % 2}")
        made["metadata"]["labels"]["half"] = str(number % 2)
        api.create(made)

    assert api.list("Pod", labels="half=1")[0] == ["p1", "p3"]
    assert api.list("Pod", fields="spec.nodeName=node-0")[0] == ["p0", "p2", "p4"]
    assert api.list("Pod", limit=2)[0] == ["p0", "p1", "p2", "p3", "p4"]


def test_a_watch_goes_on_from_a_list(api: Client, namespace: str) -> None:
    """Every change once, in order."""
    _, version = api.list("Pod")
    api.create(samples.pod("a", namespace))
    api.patch("Pod", "a", "merge", {"metadata": {"labels": {"x": "y"}}})
    api.delete("Pod", "a", grace_s=0)

    assert list(islice(api.watch("Pod", version), 3)) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_status_is_written_by_its_subresource_only(api: Client, namespace: str) -> None:
    """Nor does a create bring one; the other half stays as it is, both ways."""
    assert api.create(samples.pod("a", namespace))["status"] == {"phase": "Pending"}
    api.patch("Pod", "a", "merge", {"status": {"phase": "Running"}}, status=True)
    body = {"status": {"phase": "Failed"}, "metadata": {"labels": {"x": "y"}}}

    assert api.patch("Pod", "a", "merge", body)["status"]["phase"] == "Running"
    assert api.patch("Pod", "a", "merge", body, status=True)["status"]["phase"] == "Failed"


def test_server_side_apply(api: Client, namespace: str) -> None:
    """Created, changed, given up again; what is left out goes, what others own stays."""
    configuration = samples.service(namespace)
    configuration["metadata"]["annotations"] = {MODE: "Auto"}
    configuration["spec"]["trafficDistribution"] = "PreferSameZone"
    made = api.apply(configuration, "samezone")
    api.patch("Service", "catalog", "merge", {"metadata": {"annotations": {"note": "mine"}}})
    del configuration["spec"]["trafficDistribution"], configuration["metadata"]["annotations"]
    after = api.apply(configuration, "samezone")

    assert (made["metadata"]["annotations"], made["spec"]["trafficDistribution"]) == (
        {MODE: "Auto"},
        "PreferSameZone",
    )
    assert after["metadata"]["annotations"] == {"note": "mine"}
    assert "trafficDistribution" not in after["spec"]


@pytest.mark.usefixtures("service")
def test_applying_over_somebody_elses_field_is_a_conflict(api: Client, namespace: str) -> None:
    """409 names the owner and the field; with force it becomes ours."""
    body = [{"op": "add", "path": "/spec/trafficDistribution", "value": "PreferSameNode"}]
    api.patch("Service", "catalog", "json", body)
    configuration = samples.service(namespace)
    configuration["spec"]["trafficDistribution"] = "PreferSameZone"

    with pytest.raises(RefusedError) as refused:
        api.apply(configuration, "samezone")
    forced = api.apply(configuration, "samezone", force=True)

    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    assert refused.value.message.startswith("Apply failed with 1 conflict: conflict with ")
    assert refused.value.message.endswith(" using v1: .spec.trafficDistribution")
    assert forced["spec"]["trafficDistribution"] == "PreferSameZone"
    api.apply(configuration, "samezone")


def test_a_deployment_is_scaled(api: Client, namespace: str) -> None:
    """Its Scale says what it has and what selects it; the spec follows, and its generation."""
    api.create(samples.deployment(namespace))
    api.patch("Deployment", "catalog", "merge", {"status": {"replicas": 3}}, status=True)
    before, after = api.scale("catalog"), api.scale("catalog", 5)
    deployment = api.read("Deployment", "catalog")

    assert (before["spec"]["replicas"], after["spec"]["replicas"]) == (3, 5)
    assert before["status"] == {"replicas": 3, "selector": "app.kubernetes.io/name=catalog"}
    assert (deployment["spec"]["replicas"], deployment["metadata"]["generation"]) == (5, 2)


def test_a_running_pod_goes_with_grace(api: Client, namespace: str) -> None:
    """It is marked first; its kubelet's deletion with no grace ends it."""
    api.create(samples.pod("a", namespace))
    api.delete("Pod", "a")
    marked = api.read("Pod", "a")["metadata"]
    api.delete("Pod", "a", grace_s=0)

    assert marked["deletionGracePeriodSeconds"] == 30
    assert marked["deletionTimestamp"]
    assert api.list("Pod")[0] == []


@pytest.mark.parametrize(
    ("propagation", "left"),
    [
        ("Background", ([], [], [])),
        ("Foreground", ([], [], [])),
        ("Orphan", ([], ["catalog-6d5f7c9b8"], ["p"])),
    ],
)
def test_what_belongs_to_a_deployment_goes_with_it(
    api: Client, namespace: str, propagation: str, left: tuple[list[str], ...]
) -> None:
    """Or is left alone on demand."""
    deployment = api.create(samples.deployment(namespace))
    owned = api.create(replica_set(namespace, deployment))
    pod = samples.pod("p", namespace)
    pod["metadata"] |= {
        "ownerReferences": [reference_to(owned)],
        "annotations": {"samezone.dev/external": "true"},
    }
    api.create(pod)

    api.delete("Deployment", "catalog", propagation=propagation)

    assert left == tuple(api.list(kind)[0] for kind in ("Deployment", "ReplicaSet", "Pod"))


def test_an_evicted_pod_is_deleted(api: Client, namespace: str) -> None:
    """As a drain does it."""
    api.create(samples.pod("a", namespace))
    api.evict("a")

    assert api.read("Pod", "a")["metadata"]["deletionTimestamp"]


def test_a_user_who_may_not_is_forbidden(connect: Callable[[str], Client], namespace: str) -> None:
    """403 in RBAC's words, for that verb on that resource only."""
    api = connect("deny:list:nodes,patch:services")
    api.create(samples.service(namespace))
    with pytest.raises(RefusedError) as nodes:
        api.nodes()
    with pytest.raises(RefusedError) as patching:
        api.patch("Service", "catalog", "merge", {})

    who = 'User "system:serviceaccount:default:restricted" cannot'
    assert (nodes.value.code, nodes.value.reason, nodes.value.message) == (
        403,
        "Forbidden",
        f'nodes is forbidden: {who} list resource "nodes" in API group "" at the cluster scope',
    )
    assert patching.value.message == (
        f'services "catalog" is forbidden: {who} patch resource "services" in API group "" '
        f'in the namespace "{namespace}"'
    )


def test_bodies_may_be_yaml(url: str, namespace: str) -> None:
    """Applied and created, as curl users send them."""
    path = f"{url}/api/v1/namespaces/{namespace}/services"
    text = b"apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 80}]}\n"

    made = wire.call("POST", path, text, {"Content-Type": "application/yaml"})
    applied = wire.call(
        "PATCH", f"{path}/x?fieldManager=me", text, {"Content-Type": "application/apply-patch+yaml"}
    )

    assert (made.status, applied.status) == (201, 200)
