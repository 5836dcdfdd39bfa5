"""What the Zones tab is told: from a source's answers and the cluster, look by look."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from analysis.live.eyes import KEPT_S, LAG_S, LONGEST_S, SLICE_S, Eyes, EyesSetting
from analysis.live.glimpse import Whereabouts, glimpse, summed
from analysis.live.picture import calls_now, predicted
from analysis.source.interface import (
    Answers,
    IncompleteError,
    Patience,
    Question,
    Received,
    RefusedError,
    Source,
    ThrottledError,
)
from analysis.source.prometheus.profiles import BUILT_IN
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from analysis.source.prometheus.prometheus_source import PrometheusSource
from analysis.source.xray.reader import XRayReader
from analysis.source.xray.xray_source import CLOUD_PATIENCE, LAB_PATIENCE
from k8s.errors import UnreachableError
from k8s.topology import Service, ServiceKey, Snapshot
from loadtest.record import Place, Window
from loadtest.worker.live_view import LiveView, ModeMark
from tests.analysis.observe.looks import PLACE, WINDOW, Looker, cluster, rows_of, scene, service
from tests.analysis.traced_shop import CATALOG_PODS, ZONES, Shop

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")


def where() -> Whereabouts:
    return Whereabouts.of([cluster()], service=CATALOG, client=UI)


def received(shop: Shop, *, rows: bool = False) -> Received:
    return Received(
        answers=(shop.graph(shop.made).pages(),), rows=tuple(rows_of(shop)) if rows else (), window=WINDOW
    )


def test_a_glimpse_is_what_happened():
    """Each call of the pair in its zones, and nobody else's."""
    shop = Shop(by_pod=True, others=50)

    found = summed([glimpse(XRayReader(), received(shop), where(), WINDOW)], where())

    assert found.same_zone / (found.same_zone + found.cross_zone) == pytest.approx(shop.happened())
    assert (found.unknown, found.calls) == (0, shop.relays().total())
    assert found.share is None


def test_names_without_pods_are_told_apart_by_traces_or_unknown():
    """With the traces exactly; without them every call is unknown, and none is in a zone."""
    shop = Shop(by_pod=False)

    told = summed([glimpse(XRayReader(), received(shop, rows=True), where(), WINDOW)], where())
    blind = summed([glimpse(XRayReader(), received(shop), where(), WINDOW)], where())

    assert told.same_zone / told.calls == pytest.approx(shop.happened())
    assert (blind.same_zone, blind.cross_zone, blind.unknown) == (0, 0, shop.relays().total())


def test_a_pod_that_nobody_knows_is_unknown():
    """Its calls are counted, in no zone, and why is told."""
    shop = Shop(by_pod=True)
    here = Whereabouts.of(
        [cluster(pods={pod: zone for pod, zone in ZONES.items() if pod != "ui-1"})],
        service=CATALOG,
        client=UI,
    )

    now = calls_now([glimpse(XRayReader(), received(shop), here, WINDOW)], (), here)

    theirs = sum(count for (ui, _), count in shop.relays().items() if ui == "ui-1")
    assert now.unknown == theirs
    assert now.same + now.cross + now.unknown == shop.relays().total()
    assert now.reasons
    assert {flow.client_zone for flow in now.flows} >= {""}


def test_now_begins_where_the_mode_changed():
    """Calls of the mode before are not in its share; the last slice is, where there is no other."""
    shop = Shop(by_pod=True)
    seen = glimpse(XRayReader(), received(shop), where(), WINDOW)
    slices = [replace(seen, window=Window(start_s=at, end_s=at + 2.0)) for at in (100.0, 102.0, 104.0, 106.0)]

    def begins(*marks: float) -> float:
        told = [ModeMark(at_s=at, before="off", mode="tar") for at in marks]
        return calls_now(slices, told, where()).start_s

    assert [begins(), begins(50.0), begins(103.0), begins(107.0)] == [100.0, 100.0, 104.0, 106.0]


def test_a_hot_endpoint_is_one_beyond_chance():
    """Nine calls of twenty prove nothing; nine hundred of two thousand do."""
    shop = Shop(by_pod=True, requests=0)
    hot, *others = CATALOG_PODS

    def told(times: int) -> dict[str, bool]:
        graph = shop.graph([])
        graph.edge("ui-1", hot, 9 * times)
        for pod in others:
            graph.edge("ui-1", pod, 2 * times)
        seen = glimpse(XRayReader(), Received(answers=(graph.pages(),)), where(), WINDOW)
        return {one.pod: one.is_hot for one in calls_now([seen], (), where()).endpoints}

    assert not any(told(1).values())
    assert [pod for pod, is_hot in told(100).items() if is_hot] == [hot]


def test_each_mode_has_its_prediction_or_what_is_against_it():
    """By the cluster's own objects and where the calls come from; it is no observation."""
    shop = Shop(by_pod=True)
    found = summed([glimpse(XRayReader(), received(shop), where(), WINDOW)], where())

    modes = {one.mode: one for one in predicted(scene(cluster()), found, CATALOG, UI)}

    assert modes["off"].low == pytest.approx(found.expected_even_share)
    assert modes["prefer-close"].low == 1.0
    assert predicted(scene(cluster(services=())), found, CATALOG, UI) == ()


@dataclass
class Scenery(Looker):
    """A place, a source and a clock that Eyes look at."""

    routed: Service = field(default_factory=lambda: service("catalog"))
    away: str = ""
    """What is away: the cluster or the source."""
    scraped_s: float = 0.0
    """How old a window's end must be for the source to have all of it."""
    patience: Patience = LAB_PATIENCE
    opened: int = 0
    other: Source | None = None
    """Another source than X-Ray's."""
    context = "shop"

    @contextmanager
    def open_source(self, place: Place) -> Iterator[Source]:
        self.opened += 1
        if self.other is not None:
            yield self.other
            return
        with super().open_source(place) as source:
            yield source

    def ask(self, question: Question) -> Answers:
        if self.away == "source":
            raise ThrottledError("asking X-Ray: too many requests")
        if self.away == "credentials":
            raise RefusedError("asking X-Ray: ExpiredTokenException; renew the AWS credentials")
        if self.now_s - question.window.end_s < self.scraped_s:
            raise IncompleteError("asking Prometheus: not everything is scraped yet")
        return super().ask(question)

    def service(self, key: ServiceKey) -> Service:
        assert key == CATALOG
        if self.away == "cluster":
            raise UnreachableError("asking the API server: connection refused")
        return self.routed

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        del namespaces
        return replace(self.shown, taken_at_s=self.now_s)

    def version(self) -> str:
        return "v1.35.0"

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Mapping[str, Any]]:
        del path, query
        return []

    def eyes(self) -> Eyes:
        return Eyes(
            EyesSetting(
                cluster=self,
                open_source=self.open_source,
                place=PLACE,
                service=CATALOG,
                client=UI,
                namespaces=("catalog", "ui"),
                clock=lambda: self.now_s,
            )
        )

    def watched(self, eyes: Eyes, seconds: int) -> LiveView:
        for _ in range(0, seconds, 2):
            self.now_s += 2.0
            eyes.look()
        return eyes.view()


def test_the_line_is_at_most_ten_seconds_behind():
    """Slices join without a gap, and each is asked for again once it must be whole."""
    here = Scenery(shop=Shop(by_pod=True))

    seen = here.watched(here.eyes(), 40)

    ends = [one.end_s for one in seen.slices]
    assert here.now_s - ends[-1] <= LAG_S + 2 < 10
    assert [one.start_s for one in seen.slices][1:] == ends[:-1]
    asked = [question.window for question in here.asked]
    assert asked.count(asked[0]) == 2
    assert all(question.run_id is None for question in here.asked)
    assert (seen.source, seen.unit, seen.problems) == ("X-Ray", "requests", ())


def test_only_the_last_minutes_are_kept():
    """However long a person looks."""
    here = Scenery(shop=Shop(by_pod=True, requests=20))

    seen = here.watched(here.eyes(), 400)

    assert seen.slices[0].start_s >= here.now_s - KEPT_S - 2
    assert seen.slices[-1].end_s - seen.slices[0].start_s > KEPT_S - 20


def test_a_change_of_mode_is_marked_whoever_made_it():
    """When it was seen, from what to what."""
    here = Scenery(shop=Shop(by_pod=True))
    eyes = here.eyes()
    here.watched(eyes, 4)
    here.routed = replace(here.routed, traffic_distribution="PreferClose")

    seen = here.watched(eyes, 4)

    assert seen.mode == "prefer-close"
    assert [(one.before, one.mode) for one in seen.marks] == [("off", "prefer-close")]
    assert here.now_s - 4 < seen.marks[0].at_s <= here.now_s


@pytest.mark.parametrize("away", ["source", "cluster"])
def test_what_is_away_is_a_line_and_no_end(away: str):
    """The numbers stay as old as they are, and go on, with a gap, once it is back."""
    here = Scenery(shop=Shop(by_pod=True))
    eyes = here.eyes()
    before = here.watched(eyes, 20)
    here.away = away

    seen = here.watched(eyes, 40)

    assert len(seen.problems) == 1
    assert {"source": "too many requests", "cluster": "connection refused"}[away] in seen.problems[0]
    assert seen.slices[0] == before.slices[0]
    if away == "source":
        assert seen.slices == before.slices
    here.away = ""
    after = here.watched(eyes, 4)
    assert after.problems == ()
    assert here.now_s - after.slices[-1].end_s < 10
    assert all(one.end_s - one.start_s <= LONGEST_S for one in after.slices)


def test_a_source_that_refuses_is_opened_anew():
    """Renewed credentials are found without a new start; one that only throttles stays open."""
    here = Scenery(shop=Shop(by_pod=True))
    eyes = here.eyes()
    before = here.watched(eyes, 20)
    here.away = "source"
    here.watched(eyes, 10)
    assert here.opened == 1

    here.away = "credentials"
    seen = here.watched(eyes, 30)

    assert [one.split(":")[0] for one in seen.problems] == ["Reading the calls"]
    assert "renew the AWS credentials" in seen.problems[0]
    assert (seen.slices, seen.source) == (before.slices, "X-Ray")
    assert here.opened > 2
    here.away, opened = "", here.opened
    after = here.watched(eyes, 20)
    assert after.problems == ()
    assert here.opened == opened + 1
    assert here.now_s - after.slices[-1].end_s < 10


def test_a_source_that_is_late_is_asked_later():
    """A Prometheus that scrapes every half minute: what it has is shown, and how late that is usually."""
    here = Scenery(shop=Shop(by_pod=True), scraped_s=30.0)
    eyes = here.eyes()

    waiting = here.watched(eyes, 20)
    assert "not everything is scraped yet" in "".join(waiting.problems)
    assert waiting.slices == ()
    seen = here.watched(eyes, 120)

    assert seen.problems == ()
    ages = [here.now_s - seen.slices[-1].end_s, here.now_s - here.asked[-1].window.end_s]
    assert min(ages) >= 30.0
    assert ages[0] <= seen.usual_s < 60.0
    assert len(seen.slices) > 5


def test_a_trouble_that_passed_leaves_no_delay_for_ever():
    """Ten minutes without a whole answer, and minutes later the line is where it was before."""
    here = Scenery(shop=Shop(by_pod=True), scraped_s=1e9)
    eyes = here.eyes()
    assert here.watched(eyes, 600).problems
    here.scraped_s = 0.0

    seen = here.watched(eyes, 600)

    assert seen.problems == ()
    assert here.now_s - seen.slices[-1].end_s < 10
    assert seen.usual_s < 10


def test_the_mode_is_looked_at_more_often_than_a_dear_source():
    """X-Ray on AWS is asked twice a minute; a change of the mode is seen at once, whoever made it."""
    here = Scenery(shop=Shop(by_pod=True), patience=CLOUD_PATIENCE)
    eyes = here.eyes()
    seen = here.watched(eyes, 300)
    assert len(here.asked) <= 2 * 300 / CLOUD_PATIENCE.poll_s
    assert here.now_s - seen.slices[-1].end_s <= seen.usual_s

    here.routed = replace(here.routed, traffic_distribution="PreferClose")
    seen = here.watched(eyes, int(SLICE_S))

    assert [(one.mode, one.at_s) for one in seen.marks] == [("prefer-close", here.now_s)]


def test_a_prometheus_that_is_away():
    """Its address, and what to try, in one line; mode and pods are looked at all the same."""
    store = open_prometheus(PrometheusAccess(url="http://127.0.0.1:1"))
    here = Scenery(shop=Shop(by_pod=True), other=PrometheusSource(store, next(iter(BUILT_IN.values()))))

    seen = here.watched(here.eyes(), 10)

    (why,) = seen.problems
    assert why.startswith("Reading the calls: asking http://127.0.0.1:1: ")
    assert "is it up, is the address right" in why
    assert "\n" not in why
    assert (seen.mode, seen.slices, seen.now.same + seen.now.cross) == ("off", (), 0)
