"""Create, update, patch and delete."""

from dataclasses import replace
from typing import Any

import pytest

from k8s.lab.apiserver.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import NAMESPACES, PODS, SERVICES
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place, target_of

SERVICES_THERE = RequestTarget(resource=SERVICES, namespace="catalog")
CATALOG = RequestTarget(resource=SERVICES, namespace="catalog", name="catalog")


@pytest.fixture
def place() -> Place:
    """A place with the catalog Service in it."""
    place = Place()
    place.add(samples.service("catalog"))
    return place


def patched(place: Place, body: Any, kind: str = MERGE_PATCH) -> dict[str, Any]:
    return place.writer.patch(CATALOG, kind, body, Options()).obj


def refusal(error: pytest.ExceptionInfo[StatusError]) -> tuple[int, str, str]:
    body = error.value.body
    return body["code"], body["reason"], body["message"]


def test_a_new_object_gets_what_the_server_gives() -> None:
    """A uid, a time, a version and the kind's defaults; the client's managedFields are not kept."""
    given = samples.service("catalog")
    given["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "managedFields": [{}]}
    del given["spec"]["type"], given["apiVersion"], given["kind"]

    made = Place().writer.create(SERVICES_THERE, given, Options()).obj

    assert list(made)[:3] == ["kind", "apiVersion", "metadata"]
    assert (made["kind"], made["apiVersion"]) == ("Service", "v1")
    assert made["metadata"]["uid"][:23] == "00000000-0000-4000-8000"
    assert made["metadata"]["creationTimestamp"] == samples.STAMP
    assert [one["operation"] for one in made["metadata"]["managedFields"]] == ["Update"]
    assert (
        made["spec"]["type"],
        made["spec"]["clusterIPs"],
        made["spec"]["internalTrafficPolicy"],
    ) == ("ClusterIP", ["127.100.200.1"], "Cluster")
    assert made["status"] == {"loadBalancer": {}}


def test_nodes_and_pods_may_bring_their_status() -> None:
    """There is no kubelet here that would fill it in later."""
    place = Place()

    assert place.add(samples.pod("p", "catalog"))["status"]["phase"] == "Running"
    assert place.add(samples.node("n"))["status"]["allocatable"]["cpu"] == "1930m"


def test_a_name_can_be_generated() -> None:
    """``generateName`` plus five characters, as ReplicaSets and the slice controller use it."""
    place = Place()
    given = samples.endpoint_slice("catalog")
    del given["metadata"]["name"]
    given["metadata"]["generateName"] = "catalog-"

    first, second = place.add(given), place.add(given)

    assert first["metadata"]["name"][:8] == "catalog-"
    assert len(first["metadata"]["name"]) == 13
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_a_name_that_is_taken_is_409(place: Place) -> None:
    """AlreadyExists, worded as upstream."""
    with pytest.raises(StatusError) as refused:
        place.add(samples.service("catalog"))
    assert refusal(refused) == (409, "AlreadyExists", 'services "catalog" already exists')
    assert refused.value.body["details"] == {"name": "catalog", "kind": "services"}


def test_an_unknown_namespace_is_404(place: Place) -> None:
    """The namespace is what is not found."""
    with pytest.raises(StatusError) as refused:
        place.add(samples.service("nope"))
    assert refusal(refused) == (404, "NotFound", 'namespaces "nope" not found')


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"apiVersion": "v2"},
            "the API version in the data (v2) does not match the expected API version (v1)",
        ),
        ({"kind": "Pod"}, 'Pod in version "v1" cannot be handled as a Service'),
        (
            {"spec": []},
            'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal array',
        ),
        ({"metadata": {"labels": {"a": 1}}}, "Go struct field Service.metadata.labels of type string"),
        ({"metadata": {"namespace": "ui"}}, "the namespace of the provided object does not match"),
        (
            {"metadata": {"resourceVersion": "5"}},
            "resourceVersion should not be set on objects to be created",
        ),
    ],
)
def test_a_body_that_is_no_such_object_is_400(place: Place, change: dict[str, Any], words: str) -> None:
    """Wrong version, kind, type or place."""
    with pytest.raises(StatusError) as refused:
        place.writer.create(SERVICES_THERE, samples.service("catalog", "new") | change, Options())
    assert refusal(refused)[:2] == (400, "BadRequest")
    assert words in str(refused.value)


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_a_body_that_is_no_object_is_400(place: Place, body: Any) -> None:
    """Also an empty one."""
    with pytest.raises(StatusError, match="couldn't get version/kind") as refused:
        place.writer.create(SERVICES_THERE, body, Options())
    assert refused.value.code == 400


def test_unknown_fields_warn_or_refuse_or_pass(place: Place) -> None:
    """By ``fieldValidation``: Warn is the default."""
    body = samples.service("catalog", "new") | {"colour": "red"}

    def create(how: str) -> tuple[str, ...]:
        options = Options(field_validation=how, dry_run=True)
        return place.writer.create(SERVICES_THERE, body, options).warnings

    assert create("Warn") == ('unknown field "colour"',)
    assert create("Ignore") == ()
    with pytest.raises(StatusError, match='strict decoding error: unknown field "colour"'):
        create("Strict")


def test_an_update_replaces_all_but_what_the_server_keeps(place: Place) -> None:
    """Its uid and creation time stay, the status is not touched, the cluster IP may be left out."""
    before = place.store.get(SERVICES, ("catalog", "catalog"))
    assert before is not None
    body = samples.service("catalog") | {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.9"}]}}}
    body["metadata"]["labels"] = {"changed": "yes"}
    del body["spec"]["clusterIP"]

    after = place.writer.update(CATALOG, body, Options()).obj

    assert after["metadata"]["labels"] == {"changed": "yes"}
    assert before["metadata"]["uid"] == after["metadata"]["uid"]
    assert before["status"] == after["status"]
    assert after["spec"]["clusterIP"] == "127.100.200.1"
    assert int(after["metadata"]["resourceVersion"]) == int(before["metadata"]["resourceVersion"]) + 1


def test_an_update_from_a_stale_version_is_409(place: Place) -> None:
    """Worded as upstream; without a version the update goes through."""
    stale = place.store.get(SERVICES, ("catalog", "catalog"))
    patched(place, {"metadata": {"labels": {"a": "b"}}})

    with pytest.raises(StatusError) as refused:
        place.writer.update(CATALOG, stale, Options())

    words = (
        'Operation cannot be fulfilled on services "catalog": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert (409, "Conflict", words) == refusal(refused)
    assert place.writer.update(CATALOG, samples.service("catalog"), Options()).obj


def test_an_update_of_another_life_of_the_object_is_409(place: Place) -> None:
    """The uid in the body is a precondition."""
    body = samples.service("catalog")
    body["metadata"]["uid"] = "another"

    with pytest.raises(StatusError, match="Precondition failed: UID in precondition: another") as refused:
        place.writer.update(CATALOG, body, Options())
    assert refused.value.code == 409


def test_a_name_cannot_be_changed(place: Place) -> None:
    """Neither by update nor by patch."""
    words = r"the name of the object \(x\) does not match the name on the URL \(catalog\)"
    with pytest.raises(StatusError, match=words):
        place.writer.update(CATALOG, samples.service("catalog", "x"), Options())
    with pytest.raises(StatusError, match=words):
        patched(place, {"metadata": {"name": "x"}})


def test_what_changes_nothing_gets_no_new_version(place: Place) -> None:
    """So watchers are not woken, as upstream; an empty annotation map counts as none."""
    before = place.store.version
    patched(place, {"metadata": {"annotations": {"gone": None}}})
    patched(place, {"spec": {"type": "ClusterIP"}})

    assert before == place.store.version


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MERGE_PATCH, {"spec": {"trafficDistribution": "PreferSameZone"}}),
        (STRATEGIC_PATCH, {"spec": {"trafficDistribution": "PreferSameZone"}}),
        (JSON_PATCH, [{"op": "add", "path": "/spec/trafficDistribution", "value": "PreferSameZone"}]),
    ],
)
def test_each_kind_of_patch_patches(place: Place, kind: str, body: Any) -> None:
    """The same change, three ways."""
    assert patched(place, body, kind)["spec"]["trafficDistribution"] == "PreferSameZone"


def test_a_patch_may_name_the_version_it_is_for(place: Place) -> None:
    """And is then refused when the object has moved on."""
    with pytest.raises(StatusError) as refused:
        patched(place, {"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}})
    assert refusal(refused)[:2] == (409, "Conflict")


def test_a_patch_that_makes_a_wrong_type_is_422(place: Place) -> None:
    """The patch is what is invalid."""
    with pytest.raises(StatusError) as refused:
        patched(place, {"metadata": {"labels": {"a": 1}}})
    code, reason, message = refusal(refused)
    assert (code, reason) == (422, "Invalid")
    assert message.startswith(' "" is invalid: patch: Invalid value: "{')
    assert message.endswith(
        "json: cannot unmarshal number into Go struct field Service.metadata.labels of type string"
    )


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (JSON_PATCH, [{"op": "test", "path": "/spec/type", "value": "x"}], 422),
        (JSON_PATCH, {"op": "test"}, 400),
        (STRATEGIC_PATCH, {"spec": {"ports": [{"name": "x"}]}}, 400),
        (MERGE_PATCH, [], 400),
        (MERGE_PATCH, {"kind": "Pod"}, 400),
        ("application/apply-patch+cbor", {}, 415),
    ],
)
def test_patches_that_cannot_be_applied(place: Place, kind: str, body: Any, code: int) -> None:
    """Malformed is 400, not applicable is 422, unknown is 415."""
    with pytest.raises(StatusError) as refused:
        patched(place, body, kind)
    assert code == refused.value.code


def test_a_status_write_changes_the_status_only(place: Place) -> None:
    """And another write everything but the status."""
    target = replace(CATALOG, subresource="status")
    body = {
        "spec": {"type": "NodePort"},
        "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.9"}]}},
    }

    after = place.writer.patch(target, MERGE_PATCH, body, Options()).obj
    later = patched(place, {"status": {"loadBalancer": None}, "spec": {"sessionAffinity": "ClientIP"}})

    assert after["spec"]["type"] == "ClusterIP"
    assert after["status"]["loadBalancer"] == {"ingress": [{"ip": "127.0.0.9"}]}
    assert after["status"] == later["status"]
    assert later["spec"]["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10_800}}


def test_generations_count_changes_of_more_than_metadata_and_status() -> None:
    """Where the kind has one: an EndpointSlice has, and a label does not move it."""
    place = Place()
    made = place.add(samples.endpoint_slice("catalog", samples.endpoint("127.100.1.1", "eu-west-1a")))
    target = target_of(made)

    def patch_slice(body: dict[str, Any]) -> int:
        obj = place.writer.patch(target, MERGE_PATCH, body, Options()).obj
        return int(obj["metadata"]["generation"])

    assert made["metadata"]["generation"] == 1
    assert patch_slice({"metadata": {"labels": {"a": "b"}}}) == 1
    assert patch_slice({"endpoints": [samples.endpoint("127.100.1.1", "eu-west-1a", "eu-west-1a")]}) == 2


def test_deleted_pods_and_services_come_back_in_the_answer(place: Place) -> None:
    """Other kinds answer with a Status."""
    pod = place.add(samples.pod("p", "catalog"))
    endpoints = place.add(samples.endpoint_slice("catalog"))

    assert place.writer.delete(target_of(pod), {"gracePeriodSeconds": 0}, Options())["kind"] == "Pod"
    answer = place.writer.delete(target_of(endpoints), {}, Options())
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert endpoints["metadata"]["uid"] == answer["details"]["uid"]
    with pytest.raises(StatusError) as refused:
        place.writer.delete(target_of(pod), None, Options())
    assert refusal(refused) == (404, "NotFound", 'pods "p" not found')


def test_a_delete_may_be_for_one_life_of_the_object_only(place: Place) -> None:
    """Preconditions on uid and version."""
    body = {"preconditions": {"uid": "another"}}

    with pytest.raises(StatusError) as refused:
        place.writer.delete(CATALOG, body, Options())
    assert refused.value.code == 409


def test_a_namespace_takes_what_it_holds_with_it(place: Place) -> None:
    """And leaves the others alone; the first ones cannot go."""
    place.add(samples.pod("p", "catalog"))
    place.add(samples.pod("u", "ui"))

    place.writer.delete(RequestTarget(resource=NAMESPACES, name="catalog"), None, Options())

    assert place.store.keys(PODS) == (("ui", "u"),)
    assert place.store.keys(SERVICES) == ()
    place.writer.create(RequestTarget(resource=NAMESPACES), samples.namespace("default"), Options())
    with pytest.raises(
        StatusError, match='namespaces "default" is forbidden: this namespace may not be'
    ) as no:
        place.writer.delete(RequestTarget(resource=NAMESPACES, name="default"), None, Options())
    assert no.value.code == 403


def test_a_dry_run_answers_and_leaves_everything_as_it_was(place: Place) -> None:
    """Create, update, patch and delete."""
    options, before = Options(dry_run=True), place.store.version
    writer = place.writer

    writer.create(SERVICES_THERE, samples.service("catalog", "new"), options)
    after = writer.patch(CATALOG, MERGE_PATCH, {"metadata": {"labels": {"a": "b"}}}, options).obj
    writer.update(CATALOG, samples.service("catalog") | {"metadata": {"labels": {}}}, options)
    writer.delete(CATALOG, None, options)
    writer.delete(CATALOG, {"dryRun": ["All"]}, Options())

    assert after["metadata"]["labels"]["a"] == "b"
    assert before == place.store.version


def test_warnings_of_the_routing_settings(place: Place) -> None:
    """PreferClose and the old annotation warn, in upstream's words; topology-mode does not."""

    def warned(body: dict[str, Any]) -> tuple[str, ...]:
        return place.writer.patch(CATALOG, MERGE_PATCH, body, Options(dry_run=True)).warnings

    def annotated(key: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {f"service.kubernetes.io/{key}": "Auto"}}}

    assert warned({"spec": {"trafficDistribution": "PreferClose"}}) == (
        'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    )
    assert warned(annotated("topology-aware-hints")) == (
        (
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
            "please use service.kubernetes.io/topology-mode instead"
        ),
    )
    assert warned(annotated("topology-mode")) == ()
    assert warned({"spec": {"trafficDistribution": "PreferSameZone"}}) == ()
