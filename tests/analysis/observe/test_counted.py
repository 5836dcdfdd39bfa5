"""A look by a source that counts connections or bytes between workloads, with a cluster and without one."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.observe.nowhere import NO_CLUSTER, Nowhere
from analysis.observe.observed import Lever, Observation
from analysis.observe.reading import observation
from analysis.report.observation import console, html, markdown
from analysis.source.interface import Received
from k8s.console import Io
from k8s.errors import InvalidRunError
from tests.analysis import meshes
from tests.analysis.meshes import BYTES, StoredCounts
from tests.analysis.observe.looks import WINDOW, gathered
from tests.analysis.traced_shop import Shop

WAYS = {"ui@a>catalog@a": 600, "ui@a>catalog@b": 300, "ui@b>catalog@a": 100, "ui>catalog@b": 50}


def seen(ways: dict[str, int] = WAYS, basis=meshes.CONNECTIONS, *, nowhere: bool = False) -> Observation:
    material = gathered(
        Shop(), reader=StoredCounts(meshes.counts(ways, basis)), received=Received(answers=(), window=WINDOW)
    )
    if nowhere:
        place = Nowhere(why="no lab is up", region="eu-west-1", clock=lambda: 7.0)
        scene = place.scene()
        material = replace(material, place=place.facts(), scene=scene, snapshots=(scene.snapshot,))
    return observation(material)


def test_connections_of_a_cluster():
    """By the zones that are stated; what a setting would change is still the cluster's to say."""
    found = seen()
    (pair,) = found.pairs

    assert (pair.result.same_zone, pair.result.cross_zone, pair.result.unknown) == (600, 400, 50)
    assert (found.unit, found.grain) == ("connections", "workload")
    assert pair.result.share is not None
    assert pair.result.share.n == 1000
    assert pair.outlook.lever is not Lever.OUT_OF_REACH
    assert pair.outlook.service == "catalog/catalog"
    codes = {one.code for one in found.caveats}
    assert {"no-pods", "connections-counted"} <= codes
    assert not {"traced-calls", "no-traces", "topology-now"} & codes


def test_bytes_have_a_share_and_a_price_without_an_interval():
    """In every format."""
    found = seen({way: count * 10**6 for way, count in WAYS.items()}, BYTES)
    (pair,) = found.pairs

    assert (pair.result.share, pair.result.same_share) == (None, pytest.approx(0.6))
    assert pair.usd_month is not None
    for text in (html.render(found), markdown.render(found)):
        assert "no interval" in text
        assert "bytes between services" in text
    assert console.observation(found)


def test_without_a_cluster():
    """Zones are the source's; of settings nothing is known, and nobody says that there is nothing to set."""
    found = seen(nowhere=True)
    (pair,) = found.pairs

    assert (found.platform, found.zones) == (NO_CLUSTER, ("a", "b"))
    assert (pair.outlook.lever, pair.outlook.service) == (Lever.NOT_KNOWN, "")
    assert "no-cluster" in {one.code for one in found.caveats}
    page = html.render(found)
    assert "what a Service setting would change is not known" in page
    assert "connections between services" in page


def test_without_a_cluster_and_without_zones():
    """Then nothing is known; the line says why there is no cluster."""
    with pytest.raises(
        InvalidRunError, match=r"states no zones, and no cluster was looked at \(no lab is up\)"
    ):
        seen({"ui>catalog": 10}, nowhere=True)


def test_no_connection_at_all():
    """It asks after scraping and profile, not after spans."""
    with pytest.raises(InvalidRunError, match=r"a mesh counted no connections; does it scrape these pods"):
        seen({})


def test_the_command_goes_on_without_a_lab(tmp_path: Path):
    """To the store's own address, where nobody listens here; X-Ray's needs a place."""
    for argv, words in (
        (("--prometheus", "http://127.0.0.1:9", "--profile", "ztunnel"), "http://127.0.0.1:9"),
        ((), "the lab is not up"),
    ):
        err = io.StringIO()
        code = main(("observe", *argv), Io(out=io.StringIO(), err=err, environment={}, folder=tmp_path))
        assert code == 5
        assert words in err.getvalue().splitlines()[-1]
