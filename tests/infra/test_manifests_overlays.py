"""The overlays: each is its scenario, in its place, and leaves the next one alone."""

import pytest

from tests.infra.rendered import (
    MANIFESTS,
    OVERLAYS,
    TARGETS,
    WITHOUT_OPERATOR,
    ZONE_LABEL,
    Raw,
    collector,
    collector_env,
    deployments,
    objects,
    place,
    render,
)

pytestmark = pytest.mark.infra

KUBE_DNS = 53


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_fills_in_the_place(overlay: str):
    """place.env reaches the collector, the workers and the zones; nothing is left to be set."""
    target, known = f"overlays/{overlay}", place()
    text = render(target)
    assert "set-by-place" not in text
    assert "samezone-place" not in text
    assert set(known) == {"region", "cluster", "zone-1", "zone-2", "zone-3"}
    assert collector(target)["exporters"]["awsxray"]["region"] == "${env:SAMEZONE_REGION}"
    wanted = {"SAMEZONE_REGION": known["region"], "SAMEZONE_CLUSTER": known["cluster"]}
    assert wanted.items() <= collector_env(target).items()
    for name, found in deployments(target).items():
        spec = found["spec"]["template"]["spec"]
        slot = found["spec"]["template"]["metadata"]["labels"].get("samezone.dev/slot", "all")
        assert spec.get("nodeSelector", {}).get(ZONE_LABEL) == known.get(f"zone-{slot}"), name
        if name.startswith("locust-worker"):
            env = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
            assert wanted.items() <= env.items()


SCENARIOS = {
    "simple": {"catalog": [3], "ui": [3]},
    "no-aws": {"catalog": [3], "ui": [3]},
    "classic": {"catalog": [3], "ui": [3]},
    "per-zone": {"catalog": [3, 3, 3], "ui": [2, 2, 2]},
    "per-zone-older": {"catalog": [3, 3, 3], "ui": [2, 2, 2]},
    "skewed": {"catalog": [5, 2, 2], "ui": [2, 2, 2]},
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_replicas_of_the_scenarios(overlay: str):
    """Each overlay is the scenario its name says, and the README names it."""
    found = sorted(deployments(f"overlays/{overlay}").items())
    counts = {
        store: [one["spec"]["replicas"] for _, one in found if one["metadata"]["namespace"] == store]
        for store in ("catalog", "ui")
    }
    assert SCENARIOS[overlay] == counts
    assert f"| `{overlay}` |" in (MANIFESTS / "README.md").read_text()


def test_selectors_match_their_pods_and_nobody_elses():
    """Also between overlays: what one leaves behind never claims the pods of the next."""
    seen: dict[tuple[str, str], tuple[Raw, Raw]] = {}
    for target in TARGETS:
        for name, one in deployments(target).items():
            labels = one["spec"]["template"]["metadata"]["labels"]
            seen[one["metadata"]["namespace"], name] = (one["spec"]["selector"]["matchLabels"], labels)
    for (namespace, name), (selector, _) in seen.items():
        chosen = {
            other
            for (space, other), (_, labels) in seen.items()
            if space == namespace and selector.items() <= labels.items()
        }
        assert {name} == chosen


@pytest.mark.parametrize("target", TARGETS)
def test_services_reach_ports_of_their_pods(target: str):
    """Every Service selects at least one Deployment, and its target ports exist there by name."""
    for service in objects(target, "Service"):
        chosen = [
            one["spec"]["template"]
            for one in objects(target, "Deployment")
            if one["metadata"]["namespace"] == service["metadata"]["namespace"]
            and service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert chosen, service["metadata"]["name"]
        for template in chosen:
            names = {port["name"] for one in template["spec"]["containers"] for port in one["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    store = {one["metadata"]["namespace"]: one["spec"] for one in objects(target, "Service")}
    assert [store[name]["ports"][0]["port"] for name in ("catalog", "ui")] == [80, 80]


@pytest.mark.parametrize("target", TARGETS)
def test_every_namespace_denies_by_default(target: str):
    """One policy that selects all pods and allows nothing, in each namespace that we make."""
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    policies = objects(target, "NetworkPolicy")
    denied = {one["metadata"]["namespace"] for one in policies if one["spec"] == deny}
    assert {one["metadata"]["name"] for one in objects(target, "Namespace")} == denied


def peers(rule: Raw, side: str, namespace: str) -> set[tuple[str, str]]:
    """(namespace, application) of those that a rule of a network policy names."""
    return {
        (
            one.get("namespaceSelector", {})
            .get("matchLabels", {})
            .get("kubernetes.io/metadata.name", namespace),
            one["podSelector"]["matchLabels"].get("app.kubernetes.io/name", "kube-dns"),
        )
        for one in rule.get(side, ())
        if "podSelector" in one
    }


def allowed(target: str, policy_type: str) -> set[tuple[tuple[str, str], tuple[str, str], int]]:
    """(who, with whom, port) that the policies of one direction allow between our pods."""
    key, side = ("ingress", "from") if policy_type == "Ingress" else ("egress", "to")
    return {
        (
            (
                policy["metadata"]["namespace"],
                policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"],
            ),
            peer,
            port["port"],
        )
        for policy in objects(target, "NetworkPolicy")
        for rule in policy["spec"].get(key, ())
        for peer in peers(rule, side, policy["metadata"]["namespace"])
        for port in rule["ports"]
        if port["port"] != KUBE_DNS
    }


@pytest.mark.parametrize("target", TARGETS)
def test_who_may_send_is_who_may_be_heard(target: str):
    """What one policy lets out another lets in, but for ports that nobody sends to."""
    sent = {(source, sink, port) for source, sink, port in allowed(target, "Egress")}
    heard = {(source, sink, port) for sink, source, port in allowed(target, "Ingress")}
    assert sent - heard == set()
    assert {port for _, _, port in heard - sent} <= {4317, 4318}
    chain = [("locust", "locust-worker"), ("ui", "ui"), ("catalog", "catalog")]
    assert {(chain[0], chain[1], 8080), (chain[1], chain[2], 8080)} <= sent
    assert (("observability", "xray-collector"), ("observability", "xray-standin"), 16080) in sent or (
        target not in WITHOUT_OPERATOR
    )


def test_workers_spread_over_zones_without_naming_one():
    """A worker stays pending rather than making the zones uneven, and learns its zone from its own label."""
    spec = deployments("base")["locust-worker"]["spec"]["template"]["spec"]
    (spread,) = spec["topologySpreadConstraints"]
    seen = (spread["topologyKey"], spread["maxSkew"], spread["whenUnsatisfiable"])
    assert seen == (ZONE_LABEL, 1, "DoNotSchedule")
    zone = next(one for one in spec["containers"][0]["env"] if one["name"] == "SAMEZONE_ZONE")
    assert zone["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{ZONE_LABEL}']"
