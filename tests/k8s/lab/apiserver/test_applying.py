"""Server-side apply: who owns what, what goes, what clashes."""

from dataclasses import replace
from typing import Any

import pytest

from k8s.lab.apiserver.fieldsets import from_fields_v1, shown, to_fields_v1
from k8s.lab.apiserver.patch import APPLY_PATCH, MERGE_PATCH
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import DEPLOYMENTS, SERVICES
from k8s.lab.apiserver.statuses import StatusError
from k8s.lab.design.seeds import Object
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place

CATALOG = RequestTarget(resource=SERVICES, namespace="catalog", name="catalog")


def configuration(**spec: Any) -> dict[str, Any]:
    """A Service's configuration with one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "catalog"},
        "spec": {"ports": [{"port": 80, "name": "http"}], **spec},
    }


def named(manager: str, *, force: bool | None = None, **options: Any) -> Options:
    return Options(manager=manager, is_manager_named=True, force=force, **options)


def apply(
    place: Place, body: Any, manager: str = "me", *, target: RequestTarget = CATALOG, force: bool = False
) -> Object:
    return place.writer.patch(target, APPLY_PATCH, body, named(manager, force=force)).obj


def merge(place: Place, body: Any, manager: str, target: RequestTarget = CATALOG) -> Object:
    return place.writer.patch(target, MERGE_PATCH, body, named(manager)).obj


def owners(obj: Object) -> dict[tuple[str, str], set[str]]:
    """(manager, operation) to the paths it owns."""
    return {
        (one["manager"], one["operation"]): {shown(path) for path in from_fields_v1(one["fieldsV1"])}
        for one in obj["metadata"].get("managedFields", [])
    }


@pytest.fixture
def place() -> Place:
    return Place()


def test_applying_creates_and_owns_what_was_said(place: Place) -> None:
    """Not the defaults; applying it again writes nothing."""
    made = apply(place, configuration(trafficDistribution="PreferSameZone"))
    version = place.store.version
    again = apply(place, configuration(trafficDistribution="PreferSameZone"))

    assert owners(made) == {
        ("me", "Apply"): {
            '.spec.ports[port=80,protocol="TCP"]',
            '.spec.ports[port=80,protocol="TCP"].port',
            '.spec.ports[port=80,protocol="TCP"].name',
            ".spec.trafficDistribution",
        }
    }
    assert made["spec"]["type"] == "ClusterIP"
    assert again == made
    assert place.store.version == version


def test_what_is_said_no_more_goes(place: Place) -> None:
    """A field, an annotation and the map it leaves empty, an item of a list."""
    first = configuration(trafficDistribution="PreferSameZone")
    first["metadata"]["annotations"] = {"note": "x"}
    first["spec"]["ports"].append({"port": 90, "name": "admin"})
    apply(place, first)
    after = apply(place, configuration())

    assert "trafficDistribution" not in after["spec"]
    assert "annotations" not in after["metadata"]
    assert [port["port"] for port in after["spec"]["ports"]] == [80]


def test_what_others_own_too_stays(place: Place) -> None:
    """A field that two applied goes with the last of them; an update's annotation is not touched."""
    apply(place, configuration(trafficDistribution="PreferSameZone"), "one")
    apply(place, configuration(trafficDistribution="PreferSameZone"), "two")
    merge(place, {"metadata": {"annotations": {"note": "x"}}}, "kubectl-annotate")
    left = apply(place, configuration(), "one")
    gone = apply(place, configuration(), "two")

    assert left["spec"]["trafficDistribution"] == "PreferSameZone"
    assert "trafficDistribution" not in gone["spec"]
    assert gone["metadata"]["annotations"] == {"note": "x"}


def test_an_item_in_which_others_own_something_stays(place: Place) -> None:
    """With the fields that tell it apart."""
    first = configuration()
    first["spec"]["ports"].append({"port": 90, "name": "admin"})
    apply(place, first, "one")
    body = {"spec": {"ports": [{"port": 80, "name": "http"}, {"port": 90, "name": "ops", "targetPort": 91}]}}
    merge(place, body, "two")
    left = apply(place, configuration(), "one")

    assert [(port["port"], port["targetPort"]) for port in left["spec"]["ports"]] == [(80, 80), (90, 91)]


def test_changing_what_another_owns_is_a_conflict(place: Place) -> None:
    """One in one line, more in a list; the same value is none."""
    apply(place, configuration(trafficDistribution="PreferSameZone", sessionAffinity="None"))
    merge(place, {"spec": {"trafficDistribution": "PreferSameNode"}}, "kubectl-patch")
    with pytest.raises(StatusError) as one:
        apply(place, configuration(trafficDistribution="PreferSameZone"))
    merge(place, {"spec": {"sessionAffinity": "ClientIP"}}, "kubectl-patch")
    with pytest.raises(StatusError) as two:
        apply(place, configuration(trafficDistribution="PreferSameZone", sessionAffinity="None"))

    assert (one.value.code, str(one.value)) == (
        409,
        'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .spec.trafficDistribution',
    )
    assert one.value.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-patch" using v1',
            "field": ".spec.trafficDistribution",
        }
    ]
    assert str(two.value) == (
        'Apply failed with 2 conflicts: conflicts with "kubectl-patch" using v1:\n'
        "- .spec.sessionAffinity\n- .spec.trafficDistribution"
    )
    assert apply(place, configuration(trafficDistribution="PreferSameNode"))


def test_force_takes_the_field_over(place: Place) -> None:
    """The other one owns it no more."""
    apply(place, configuration(), "one")
    merge(place, {"spec": {"trafficDistribution": "PreferSameNode"}}, "two")
    taken = apply(place, configuration(trafficDistribution="PreferSameZone"), "one", force=True)

    assert ("two", "Update") not in owners(taken)
    assert ".spec.trafficDistribution" in owners(taken)["one", "Apply"]


def test_an_update_takes_what_it_changes(place: Place) -> None:
    """From an applier, too, whose next application clashes; what it removes nobody owns."""
    apply(place, configuration(trafficDistribution="PreferSameZone"))
    changed = merge(place, {"spec": {"trafficDistribution": "PreferSameNode"}}, "two")
    removed = merge(place, {"spec": {"trafficDistribution": None}}, "three")

    assert owners(changed)["two", "Update"] == {".spec.trafficDistribution"}
    assert ".spec.trafficDistribution" not in owners(changed)["me", "Apply"]
    assert all(".spec.trafficDistribution" not in fields for fields in owners(removed).values())


def test_a_write_by_nobodys_name_goes_by_the_user_agent(place: Place) -> None:
    """And every kind of write leaves its mark, the status by its subresource."""
    obj = place.add(samples.service("catalog"), Options(manager="kubectl-create"))
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.9"}]}}}
    after = merge(place, status, "cloud", replace(CATALOG, subresource="status"))

    assert list(owners(obj)) == [("kubectl-create", "Update")]
    assert [(one["manager"], one.get("subresource")) for one in after["metadata"]["managedFields"]] == [
        ("cloud", "status"),
        ("kubectl-create", None),
    ]


def test_lists_merge_by_their_keys_and_sets_by_their_values(place: Place) -> None:
    """Two appliers share a Deployment's containers and finalizers; other lists have one owner."""
    target = RequestTarget(resource=DEPLOYMENTS, namespace="catalog", name="catalog")
    first = samples.deployment("catalog")
    first["metadata"]["finalizers"] = ["example.com/a"]
    apply(place, first, "one", target=target)
    extra = {"name": "side", "image": "side:1", "command": ["a", "b"]}
    second = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "catalog", "finalizers": ["example.com/b"]},
        "spec": {"template": {"spec": {"containers": [extra]}}},
    }
    both = apply(place, second, "two", target=target)
    second["spec"] = {"template": {"spec": {"containers": [{**extra, "command": ["c"]}]}}}
    after = apply(place, second, "two", target=target)

    assert [one["name"] for one in both["spec"]["template"]["spec"]["containers"]] == ["catalog", "side"]
    assert both["metadata"]["finalizers"] == ["example.com/a", "example.com/b"]
    assert after["spec"]["template"]["spec"]["containers"][1]["command"] == ["c"]


def test_managed_fields_can_be_cleared_and_rewritten(place: Place) -> None:
    """So kubectl takes over an object from client-side apply; nonsense in them is not believed."""
    apply(place, configuration(trafficDistribution="PreferSameZone"))
    junk = merge(place, {"metadata": {"managedFields": [{"manager": 1}]}}, "two")
    cleared = merge(place, {"metadata": {"managedFields": [{}]}}, "two")
    entry = {
        "manager": "kubectl",
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:trafficDistribution": {}}},
    }
    written = merge(place, {"metadata": {"managedFields": [entry]}}, "two")

    assert list(owners(junk)) == [("me", "Apply")]
    assert "managedFields" not in cleared["metadata"]
    assert owners(written) == {("kubectl", "Apply"): {".spec.trafficDistribution"}}


@pytest.mark.parametrize(
    ("body", "options", "code", "words"),
    [
        (
            configuration(),
            Options(manager="x"),
            422,
            "fieldManager: Required value: is required for apply patch",
        ),
        (configuration(), named("x" * 129), 422, "fieldManager: Too long: may not be more than 128 bytes"),
        (configuration(), named("a\nb"), 422, "should only contain printable characters"),
        (
            {"metadata": {"name": "catalog"}},
            named("me"),
            400,
            "apiVersion and kind have to be given",
        ),
        ([], named("me"), 400, "apiVersion and kind have to be given"),
        (configuration() | {"kind": "Pod"}, named("me"), 400, "cannot be handled as a Service"),
        (configuration(ports=[{"name": "x"}]), named("me"), 400, 'omits key field "port"'),
        (configuration(ports=[{"port": 1}, {"port": 1}]), named("me"), 400, "duplicate entries"),
        (configuration(colour="red"), named("me", field_validation="Strict"), 400, "unknown field"),
        (
            configuration() | {"metadata": {"managedFields": [{"manager": "x"}]}},
            named("me"),
            400,
            "metadata.managedFields must be nil",
        ),
        (configuration() | {"metadata": {"name": "other"}}, named("me"), 400, "does not match the name"),
        (configuration() | {"metadata": {"uid": "another"}}, named("me"), 409, "Precondition failed"),
    ],
)
def test_configurations_that_cannot_be_applied(
    place: Place, body: Any, options: Options, code: int, words: str
) -> None:
    """And nothing is changed."""
    before = apply(place, configuration())
    with pytest.raises(StatusError) as refused:
        place.writer.patch(CATALOG, APPLY_PATCH, body, options)

    assert refused.value.code == code
    assert words in str(refused.value)
    assert place.store.get(SERVICES, ("catalog", "catalog")) == before


def test_force_is_for_applying_only(place: Place) -> None:
    """As upstream."""
    place.add(samples.service("catalog"))
    with pytest.raises(StatusError, match="force: Forbidden: may not be specified for non-apply patch"):
        place.writer.patch(CATALOG, MERGE_PATCH, {}, Options(force=True))


def test_a_dry_run_applies_nothing(place: Place) -> None:
    """And shows what would be."""
    shown_obj = place.writer.patch(CATALOG, APPLY_PATCH, configuration(), named("me", dry_run=True))

    assert shown_obj.is_new
    assert place.store.get(SERVICES, ("catalog", "catalog")) is None


def test_field_sets_go_there_and_back() -> None:
    """An item that has fields below it is marked by a dot."""
    tree = {
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}, "f:finalizers": {'v:"x"': {}}},
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
    }
    fields = from_fields_v1(tree)

    assert to_fields_v1(fields) == tree
    assert [shown(path) for path in sorted(fields)] == [
        '.metadata.finalizers[="x"]',
        ".metadata.labels",
        ".metadata.labels.a",
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].port',
    ]
    assert from_fields_v1({"k:nonsense": {}, "f:a": 1, "x": {}}) == frozenset()
