"""What an observation advises."""

from dataclasses import replace

from analysis.observe.observed import Lever, Scope
from analysis.observe.repeating import measuring, watching
from analysis.report.observation.observation_answer import answer
from k8s.topology import ServiceKey
from tests.analysis.observe.looks import seen
from tests.analysis.traced_shop import Shop

KEY = ServiceKey(namespace="catalog", name="catalog")


def test_what_was_seen_is_measured_under_live_traffic():
    """The traffic is there, whoever the caller is; the platform is named where it is not the lab."""
    found = seen(Shop(by_pod=True))
    pair = next(one for one in found.pairs if one.outlook.lever is Lever.CAN)
    command = (
        "samezone experiment --service catalog/catalog --client ui/ui --arms off,prefer-close --traffic live"
    )

    assert [one.text for one in answer(found).facts if one.label == "To measure it"] == [
        f"{command} --platform cluster"
    ]
    assert measuring(replace(found, platform="lab"), pair) == command


REACH = (
    "--platform",
    "cluster",
    "--context",
    "shop",
    "--source",
    "prometheus",
    "--prometheus",
    "http://p:9090",
)


def test_what_reached_the_source_is_repeated():
    """Without its options a command would ask another source, or another cluster."""
    found = replace(seen(Shop(by_pod=True)), reach=REACH)
    pair = next(one for one in found.pairs if one.outlook.lever is Lever.CAN)
    scope = Scope(namespaces=("shop",), services=(KEY,))

    assert measuring(found, pair).endswith(f" --traffic live {' '.join(REACH)}")
    assert watching(scope, REACH) == (
        f"samezone observe --for 10m -n shop --service catalog/catalog {' '.join(REACH)}"
    )


def test_nothing_is_advised_that_could_not_be_typed():
    """A caller whose namespace nobody knows has no name for --client."""
    found = seen(Shop(by_pod=True))
    unknown = tuple(replace(one, client_namespaces=()) for one in found.pairs)

    assert "To measure it" not in {one.label for one in answer(replace(found, pairs=unknown)).facts}
