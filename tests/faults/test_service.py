"""Somebody else changes or deletes the Service, or all around it, while it is studied."""

import pytest

from k8s.live.cluster import LiveCluster
from k8s.topology import TOPOLOGY_MODE_ANNOTATION
from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, Asked, Play
from tests.faults.stage import CATALOG, PLAN
from tests.faults.table import ANY_FOLDER, FOLDER, GONE, THEIRS, Row

pytestmark = pytest.mark.faults

AT = {
    "setting the mode": PHASES["setting the mode"],
    "settling": PHASES["settling"],
    "warming up": PHASES["warming up"],
    "measuring, middle": PHASES["measuring, middle"],
    "quiet after": PHASES["quiet after"],
    "before putting back": Asked(pattern="DELETE .*/locust/pods"),
}
MEASURED = ("measuring, middle", "quiet after", "before putting back")


def delete(cluster: LiveCluster, path: str) -> None:
    """What kubectl delete does."""
    cluster._call("DELETE", path, what=path)


DELETED = {
    "Service": ("/api/v1/namespaces/catalog/services/catalog", tuple(AT)),
    "namespace": ("/api/v1/namespaces/catalog", ("warming up", "measuring, middle")),
}
"""What goes, with its pods where it is the namespace: its path, and the phases in which it does."""


@pytest.mark.parametrize(
    ("what", "phase"), [(what, phase) for what, (_, phases) in DELETED.items() for phase in phases]
)
def test_the_service_is_deleted(campaign: Campaign, what: str, phase: str) -> None:
    """There is nothing to put back; what was measured is kept."""
    row = Row(
        verb="run tar",
        fault=f"the {what} is deleted",
        phase=phase,
        exits=(2, 4, 5),
        service=GONE,
        folder=FOLDER if phase in MEASURED else ANY_FOLDER,
    )
    cluster = campaign.stage.cluster

    def deletes(play: Play) -> None:
        delete(cluster, DELETED[what][0])
        play.provoked += 1

    campaign.play(row, "run", "tar", *PLAN, moment=AT[phase], happens=deletes)


@pytest.mark.parametrize("phase", [one for one in AT if one != "setting the mode"])
def test_somebody_edits_the_service(campaign: Campaign, phase: str) -> None:
    """Their value stays, and the run says so."""
    row = Row(
        verb="run tar",
        fault="somebody sets the annotation",
        phase=phase,
        exits=(0, 4, 5),
        service=THEIRS,
        folder=FOLDER if phase in MEASURED else ANY_FOLDER,
    )
    stage = campaign.stage

    def edits(play: Play) -> None:
        stage.cluster.patch_service(
            CATALOG, {"metadata": {"annotations": {TOPOLOGY_MODE_ANNOTATION: "Disabled"}}}
        )
        play.provoked += 1

    seen = campaign.play(row, "run", "tar", *PLAN, moment=AT[phase], happens=edits)
    try:
        assert stage.knobs().topology_mode == "Disabled", seen.line
    finally:
        stage.cluster.patch_service(CATALOG, {"metadata": {"annotations": {TOPOLOGY_MODE_ANNOTATION: None}}})
