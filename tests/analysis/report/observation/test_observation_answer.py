"""What an observation advises."""

from dataclasses import replace

from analysis.observe.observed import Lever
from analysis.report.observation.observation_answer import answer, measuring
from tests.analysis.observe.looks import seen
from tests.analysis.traced_shop import Shop


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
