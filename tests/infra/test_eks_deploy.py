"""``samezone cluster deploy``: what it renders, checks, applies and awaits; what destroy finds of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from k8s.eks import manifests
from k8s.eks.programs import Programs
from k8s.filemark import mark_of
from tests.infra.standins import NAME, SERVER, Standins, items, named, path_with, view

pytestmark = pytest.mark.infra

OURS = {"app.kubernetes.io/part-of": "samezone"}
PLACE = {
    "region": "eu-central-1",
    "cluster": NAME,
    "zone-1": "eu-central-1a",
    "zone-2": "eu-central-1b",
    "zone-3": "eu-central-1c",
}


@pytest.fixture
def there(tmp_path: Path) -> Standins:
    """A cluster that was made, is empty, and is kubectl's current context."""
    standins = Standins(folder=tmp_path, kubectl=path_with("kubectl"))
    standins.install("terraform", "kubectl", "aws")
    standins.usual()
    standins.made()
    return standins


def applied(there: Standins) -> list[str]:
    """Kind and name of what was applied for good, by the last such call."""
    given = [stdin for _, arguments, stdin in there.calls() if "apply" in arguments and "-f" in arguments]
    return [one["kind"] + " " + one["metadata"]["name"] for one in json.loads(given[-1])["items"]]


def test_deploy_applies_namespaces_awaits_the_operator_applies_all_and_awaits_rollouts(there: Standins):
    """In this order, always in the context that was checked; afterwards it says what to do next."""
    code, said = there.run("deploy")

    assert code == 0, said
    verbs = there.verbs()
    assert verbs[:10] == [
        "terraform output",
        "kubectl config current-context",
        "kubectl config view",
        "kubectl kustomize",
        "kubectl get namespaces",
        "kubectl get namespaces",
        "kubectl get deployments",
        "kubectl apply",
        "kubectl apply (dry run)",
        "kubectl apply",
    ]
    assert set(verbs[10:]) == {"kubectl get deployment", "kubectl rollout status"}
    assert all(
        arguments[:2] == ["--context", NAME]
        for name, arguments, _ in there.calls()
        if name == "kubectl" and arguments[0] not in ("config", "kustomize")
    )
    assert f"make baseline PLATFORM=cluster CONTEXT={NAME}" in said.splitlines()[-2]
    assert f"costs money until: make destroy CONTEXT={NAME}" in said.splitlines()[-1]


def test_deploy_waits_for_every_deployment(there: Standins):
    """Those of the overlay, and the one that the operator makes of the collector."""
    there.run("deploy")
    awaited = {
        f"{arguments[arguments.index('-n') + 1]}/{arguments[4]}"
        for _, arguments, _ in there.calls()
        if "rollout" in arguments
    }

    assert awaited == {
        "catalog/deployment/catalog",
        "ui/deployment/ui",
        "locust/deployment/locust-master",
        "locust/deployment/locust-worker",
        "observability/deployment/xray-collector",
    }


def test_deploy_says_where_and_what_before_it_asks(there: Standins):
    """Context, API server, and how many objects of each kind; without a yes nothing is applied."""
    there.answer = None
    code, said = there.run("deploy")

    assert code == 2
    assert f"context   {NAME}" in said
    assert f"cluster   {SERVER}" in said
    assert "4 Namespace" in said
    assert [one for one in there.verbs() if "apply" in one] == []


@pytest.mark.parametrize("overlay", manifests.overlays())
def test_every_overlay_is_rendered_for_the_clusters_place(there: Standins, overlay: str):
    """Region, cluster and zones come from Terraform's outputs, and the tree's place.env stays as it is."""
    before = (manifests.ROOT / manifests.PLACE).read_bytes()
    code, said = there.run("deploy", "--overlay", overlay, "--yes")
    given = json.loads([stdin for _, arguments, stdin in there.calls() if "apply" in arguments][-1])["items"]
    words = json.dumps([one for one in given if one["kind"] != "ConfigMap"])

    assert code == 0, said
    assert "eu-central-1" in words
    assert "eu-west-1" not in words
    assert (manifests.ROOT / manifests.PLACE).read_bytes() == before


@pytest.mark.parametrize("overlay", manifests.overlays())
def test_destroy_finds_every_object_again(there: Standins, overlay: str):
    """All lie in namespaces with our label, or carry it and are of the kinds that are deleted by it."""
    rendered = manifests.render(Programs(there.environment()), overlay, PLACE)
    namespaces = {one["metadata"]["name"] for one in rendered.of_kind("Namespace")}
    outside = [one for one in rendered.objects if one["metadata"].get("namespace") not in namespaces]

    assert {one["kind"] for one in outside} == {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    for one in (*outside, *rendered.of_kind("Deployment"), *rendered.of_kind("OpenTelemetryCollector")):
        assert OURS.items() <= one["metadata"]["labels"].items(), one["metadata"]


@pytest.mark.parametrize("overlay", manifests.overlays())
def test_every_zone_gets_as_many_load_generators_as_asked(there: Standins, overlay: str):
    """Three times as many as without, and nothing else has more pods than before."""

    def replicas(*options: str) -> dict[str, int]:
        code, said = there.run("deploy", "--overlay", overlay, "--yes", *options)
        assert code == 0, said
        sent = [stdin for _, arguments, stdin in there.calls() if "apply" in arguments and "-f" in arguments]
        return {
            one["metadata"]["name"]: one["spec"]["replicas"]
            for one in json.loads(sent[-1])["items"]
            if one["kind"] == "Deployment"
        }

    one, three = replicas(), replicas("--workers", "3")

    assert sum(count for name, count in one.items() if name.startswith("locust-worker")) == 3
    assert three == {
        name: count * 3 if name.startswith("locust-worker") else count for name, count in one.items()
    }


def test_no_zone_gets_more_load_generators_than_a_load_may_ask_for(there: Standins):
    """One line, nothing done."""
    code, said = there.run("deploy", "--workers", "17")

    assert code == 2
    assert "'17': give a whole number from 1 to 16" in said.splitlines()[-1]
    assert there.verbs() == []


def current_is_another(there: Standins) -> None:
    there.say("kubectl", "config current-context", "production\n")


def server_is_another(there: Standins) -> None:
    there.say("kubectl", "config view", view("https://production.example"))


def no_current_context(there: Standins) -> None:
    there.say("kubectl", "config current-context", err="error: current-context is not set\n", code=1)


def credentials_lack_their_program(there: Standins) -> None:
    there.say("kubectl", "config view", view(credentials="saml2aws"))


def namespace_is_taken(there: Standins) -> None:
    there.say("kubectl", "get namespaces -o", items(named("ui"), named("kube-system")))


def never_made(there: Standins) -> None:
    (there.cluster / "terraform.tfstate").unlink()


def no_kubectl(there: Standins) -> None:
    (there.folder / "bin" / "kubectl").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (current_is_another, f"the current context is production, not {NAME}"),
        (server_is_another, "is https://production.example, not cluster"),
        (no_current_context, "no current context"),
        (credentials_lack_their_program, "saml2aws is not on PATH"),
        (namespace_is_taken, "namespaces ui in context"),
        (never_made, "terraform knows no cluster"),
        (no_kubectl, "kubectl is not on PATH; install kubectl"),
    ],
)
def test_deploy_refuses_the_wrong_place(there: Standins, spoil: Callable[[Standins], None], message: str):
    """Exit code 2, the reason in the last line, nothing applied."""
    spoil(there)
    code, said = there.run("deploy", "--context", NAME, "--yes")

    assert code == 2
    assert message in said.splitlines()[-1]
    assert [one for one in there.verbs() if "apply" in one] == []


def test_an_unknown_overlay_is_refused_by_name(there: Standins):
    """With those that there are."""
    code, said = there.run("deploy", "--overlay", "../base")

    assert code == 2
    assert "no overlay '../base'; there are " in said
    assert ", per-zone, " in said


def test_namespaces_of_ours_are_applied_again(there: Standins):
    """A second deploy is no quarrel about namespaces."""
    there.say("kubectl", "get namespaces", items(named("ui"), named("catalog")))

    assert there.run("deploy")[0] == 0


def test_deployments_of_another_overlay_are_shown_and_removed(there: Standins):
    """But not those that the operator owns; before the new pods, which the Services would count with them."""
    stray, owned = named("catalog-1", "catalog"), named("xray-old", "observability", ownerReferences=[{}])
    there.say("kubectl", "get deployments", items(stray, owned, named("catalog", "catalog")))
    code, said = there.run("deploy")

    assert code == 0, said
    assert "removed   Deployment catalog/catalog-1, left by another overlay" in said
    (deletion,) = (arguments for _, arguments, _ in there.calls() if "delete" in arguments)
    assert deletion[2:] == ["delete", "deployment", "catalog-1", "-n", "catalog"]
    assert there.verbs().index("kubectl delete deployment") < len(there.verbs()) - there.verbs()[::-1].index(
        "kubectl apply"
    )


def test_deploy_waits_while_the_operators_webhook_does_not_answer(there: Standins):
    """As long as the API server says so; the collector is applied after it."""
    for reason in ('failed calling webhook "mopentelemetrycollectorbeta.kb.io"', "no matches for kind"):
        there.say("kubectl", "--dry-run=server", err=f"Error: {reason}\n", code=1, once=True)
    code, said = there.run("deploy")

    assert code == 0, said
    assert there.verbs().count("kubectl apply (dry run)") == 3
    assert there.waits == [5.0, 5.0]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("failed calling webhook", "not ready after 20 s (Error: failed calling webhook)"),
        ("admission webhook denied the request", "admission webhook denied the request"),
    ],
)
def test_an_operator_that_does_not_come_or_refuses_ends_with_5(there: Standins, reason: str, message: str):
    """Nothing but namespaces was applied then."""
    there.say("kubectl", "--dry-run=server", err=f"Error: {reason}\n", code=1)
    code, said = there.run("deploy", "--timeout", "20")

    assert code == 5
    assert message in said.splitlines()[-1]
    assert {one.split()[0] for one in applied(there)} <= {"Namespace", "OpenTelemetryCollector"}
    assert there.verbs().count("kubectl apply") == 1


def test_a_rollout_that_does_not_end_ends_with_5(there: Standins):
    """It names the Deployment and the command that tells more."""
    there.say("kubectl", "rollout status deployment/ui", err="error: timed out waiting\n", code=1)
    code, said = there.run("deploy")

    assert code == 5
    assert "Deployment ui/ui: error: timed out waiting" in said.splitlines()[-1]
    assert f"kubectl --context {NAME} -n ui get pods,events" in said.splitlines()[-1]


def test_a_cluster_that_was_not_made_here_needs_its_place_in_a_file(there: Standins):
    """Then neither terraform nor its state is looked at; every key has to be there."""
    (there.cluster / "terraform.tfstate").unlink()
    (there.folder / "bin" / "terraform").unlink()
    place = there.folder / "place.env"
    place.write_text("# mine\n" + "\n".join(f"{key}={value}" for key, value in PLACE.items()))

    code, said = there.run("deploy", "--place", str(place))
    assert code == 0
    assert "destroy" not in said
    place.write_text("region=eu-central-1\n")
    code, said = there.run("deploy", "--place", str(place))
    assert code == 2
    assert "nothing says cluster, zone-1, zone-2, zone-3" in said


@pytest.mark.parametrize("overlay", manifests.overlays())
def test_a_locustfile_travels_in_its_configmap_and_starts_the_pods_anew(there: Standins, overlay: str):
    """Every Locust Deployment mounts it and is marked with name and hash; without the option it is gone."""
    own = there.folder / "load.py"
    own.write_text("from locust import HttpUser\n")
    marks = []
    for options in (("--locustfile", str(own)), ()):
        code, said = there.run("deploy", "--overlay", overlay, "--yes", *options)
        assert code == 0, said
        given = json.loads([stdin for _, words, stdin in there.calls() if "apply" in words][-1])["items"]
        (sent,) = [one for one in given if one["metadata"]["name"] == "samezone-locustfile"]
        assert sent.get("data") == ({"load.py": own.read_text()} if options else {})
        pods = [
            one["spec"]["template"]
            for one in given
            if one["kind"] == "Deployment" and one["metadata"]["namespace"] == "locust"
        ]
        assert len(pods) >= 2
        for pod in pods:
            volumes = [one.get("configMap", {}).get("name") for one in pod["spec"]["volumes"]]
            assert "samezone-locustfile" in volumes
        marks.append({pod["metadata"].get("annotations", {}).get("samezone.dev/locustfile") for pod in pods})
    assert marks == [{mark_of(own, own.read_bytes())}, {None}]


def test_a_locustfile_that_is_no_python_is_not_sent(there: Standins):
    """One line with file and line, exit 2, before anything is run."""
    own = there.folder / "load.py"
    own.write_text("import os\ndef x(:\n")
    code, said = there.run("deploy", "--yes", "--locustfile", str(own))
    assert code == 2
    assert f"{own}:2: SyntaxError" in said
    assert there.verbs() == []
