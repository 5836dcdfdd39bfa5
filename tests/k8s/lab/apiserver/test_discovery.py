"""What the server says of itself."""

from k8s.lab.apiserver import discovery, openapi
from k8s.lab.apiserver.access import REVIEWS
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.resources import RESOURCES


def test_both_forms_of_discovery_say_the_same() -> None:
    """The aggregated document names what the lists name, with the same verbs and short names."""
    listed = {
        (
            entry["name"],
            entry["kind"],
            entry["namespaced"],
            tuple(entry["verbs"]),
            tuple(entry.get("shortNames", ())),
        )
        for group in ("", *discovery.GROUPS)
        for entry in (discovery.resource_list(group, "v1") or {})["resources"]
        if "/" not in entry["name"]
    }
    documents = [discovery.aggregated(core=core, version="v2") for core in (True, False)]
    aggregated = {
        (
            entry["resource"],
            entry["responseKind"]["kind"],
            entry["scope"] == "Namespaced",
            tuple(entry["verbs"]),
            tuple(entry.get("shortNames", ())),
        )
        for document in documents
        for item in document["items"]
        for version in item["versions"]
        for entry in version["resources"]
    }

    assert listed == aggregated
    assert {one.plural for one in (*RESOURCES, *REVIEWS)} == {entry[0] for entry in listed}


def test_status_is_a_subresource_where_it_is_served() -> None:
    """Nodes, pods, services and the workloads."""
    entries = (discovery.resource_list("", "v1") or {})["resources"]

    assert {"namespaces/status", "nodes/status", "pods/status", "services/status"} == {
        entry["name"] for entry in entries if entry["name"].endswith("/status")
    }


def test_subresources_name_the_kind_that_is_sent_there() -> None:
    """By it kubectl knows that a Deployment can be scaled, and a pod evicted."""
    found = {
        entry["name"]: (entry.get("group", ""), entry["kind"])
        for group in ("", "apps")
        for entry in (discovery.resource_list(group, "v1") or {})["resources"]
    }

    assert found["deployments/scale"] == ("autoscaling", "Scale")
    assert found["pods/eviction"] == ("policy", "Eviction")
    assert found["pods/portforward"] == ("", "PodPortForwardOptions")
    assert found["pods/status"] == ("", "Pod")


def test_unknown_groups_are_none() -> None:
    """And their versions."""
    assert discovery.group("batch") is None
    assert discovery.resource_list("apps", "v1beta1") is None
    assert openapi.document("apis/batch/v1") is None


def test_every_kind_has_a_shape_and_a_schema() -> None:
    """So nothing is stored unchecked, and ``kubectl explain`` knows all of it."""
    assert set(SHAPES) == set(RESOURCES)
    for path in openapi.root()["paths"]:
        document = openapi.document(path)
        assert document is not None
        kinds = {
            schema["x-kubernetes-group-version-kind"][0]["kind"]
            for schema in document["components"]["schemas"].values()
        }
        assert {resource.kind for resource in RESOURCES if resource.root == f"/{path}"} == kinds


def test_merge_keys_are_published() -> None:
    """The patches of ``kubectl apply`` are made from them."""
    ports = openapi.swagger()["definitions"]["io.k8s.api.core.v1.Service"]["properties"]["spec"][
        "properties"
    ]["ports"]

    assert (ports["x-kubernetes-patch-merge-key"], ports["x-kubernetes-patch-strategy"]) == ("port", "merge")


def test_patches_take_field_validation() -> None:
    """So kubectl finds out that the server checks the fields."""
    document = openapi.document("api/v1")
    assert document is not None
    patch = document["paths"]["/api/v1/namespaces/{namespace}/services/{name}"]["patch"]

    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
