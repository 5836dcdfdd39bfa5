"""Real Prometheus, back-filled worlds: counts are exact, or something says by how much they are not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from analysis.source.collect import GraphFile
from analysis.source.facts import Facts
from analysis.source.interface import IncompleteError, Question, Raw, Received
from analysis.source.prometheus import prometheus_source
from analysis.source.prometheus.profiles import BUILT_IN, ZTUNNEL
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from analysis.source.prometheus.prometheus_source import PrometheusSource
from analysis.source.registry import READERS
from k8s.errors import InvalidRunError
from loadtest import rundir
from loadtest.record import Window
from tests.analysis.source.prometheus.backfill import (
    Event,
    World,
    cells,
    counts,
    during,
    running,
    said,
    scraped,
    source,
)
from tests.analysis.source.prometheus.profile_worlds import LATER, TOLD, WARM_UP, Told

pytestmark = pytest.mark.programs

METRIC = ZTUNNEL.metric
A, B = "eu-west-1a", "eu-west-1b"
PAIR = ("ui", "catalog", A, B)
OWN = {told.profile.name: World(at) for at, told in enumerate(TOLD)}
NAMES = (
    "reset", "hidden", "born", "unseen", "older", "gone", "gap", "late", "pair", "pair-restart", "coarse",
    "steady", "twice", "namespaces", "quiet-reset", "young",
)  # fmt: skip
WORLDS = {name: World(len(TOLD) + at) for at, name in enumerate(NAMES)}


def labels(instance: str = "ztunnel-1", **others: str) -> dict[str, str]:
    return {
        "reporter": "source",
        "source_workload": "ui",
        "source_workload_namespace": "shop",
        "source_zone": A,
        "destination_workload": "catalog",
        "destination_workload_namespace": "shop",
        "destination_zone": B,
        "job": "mesh",
        "instance": instance,
    } | others


def load(count: int) -> tuple[Event, ...]:
    return (*WARM_UP, *during(count), *LATER)


def fill() -> None:
    """The worlds of trouble; the pair that is counted is one, of 100 calls in truth."""
    for told in TOLD:
        told.build(OWN[told.profile.name])
    put = WORLDS["reset"]
    put.counter(METRIC, labels(), load(100), before=1000, restarts=(60.0,))
    put.target("ztunnel-1", started=-5000)
    put = WORLDS["quiet-reset"]
    put.counter(METRIC, labels(), (*WARM_UP, *during(60, to_s=50), *during(40, from_s=88)), restarts=(75.0,))
    put = WORLDS["hidden"]
    put.counter(METRIC, labels(), ((-20.0, 3), *during(100)), restarts=(24.0,))
    put.target("ztunnel-1", at=scraped(to_s=25), started=-5000)
    put.target("ztunnel-1", at=scraped(from_s=20), started=24.0)
    put = WORLDS["born"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(METRIC, labels(source_version="2"), during(40), at=scraped(from_s=20))
    put.target("ztunnel-1", started=-5000)
    put = WORLDS["unseen"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(METRIC, labels("ztunnel-9"), during(40), at=scraped(from_s=30))
    put.target("ztunnel-1", started=-5000)
    put.target("ztunnel-9", at=scraped(from_s=30), started=21.0)
    put = WORLDS["older"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(METRIC, labels("ztunnel-9"), during(40), before=500, at=scraped(from_s=30))
    put.target("ztunnel-1", started=-5000)
    put.target("ztunnel-9", at=scraped(from_s=30), started=-4000)
    put = WORLDS["gone"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(METRIC, labels("ztunnel-2"), during(40, to_s=45), before=700, at=scraped(to_s=52))
    put.target("ztunnel-1", started=-5000)
    put = WORLDS["gap"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(
        METRIC, labels("ztunnel-2"), (*WARM_UP, *during(40)), before=5,
        at=(*scraped(from_s=-900, to_s=-500), *scraped(from_s=40)),
    )  # fmt: skip
    put = WORLDS["late"]
    put.counter(METRIC, labels(), load(60), before=9)
    put.counter(METRIC, labels("ztunnel-2"), (*WARM_UP, *during(40)), before=5,
                at=(*scraped(to_s=85), *scraped(from_s=240)))  # fmt: skip
    for replica in ("a", "b"):
        offset = {"a": 1.0, "b": 6.0}[replica]
        WORLDS["pair"].counter(METRIC, labels(prometheus_replica=replica), load(100), before=50,
                               at=scraped(offset_s=offset))  # fmt: skip
        WORLDS["pair-restart"].counter(
            METRIC, labels(prometheus_replica=replica), load(100), before=50,
            at=scraped(offset_s=offset, from_s=-400 if replica == "a" else 40),
        )  # fmt: skip
    WORLDS["coarse"].counter(METRIC, labels(), load(100), before=50, at=scraped(every_s=60))
    WORLDS["steady"].counter(METRIC, labels(), tuple((float(at), 2) for at in range(-400, 600)))
    for space in ("shop", "test"):
        WORLDS["namespaces"].counter(METRIC, labels(destination_workload_namespace=space), load(50))
    for job in ("pods", "annotations"):
        WORLDS["twice"].counter(METRIC, labels(job=job), load(100))
    WORLDS["young"].counter(METRIC, labels(), during(100), at=scraped(from_s=20))
    WORLDS["young"].target("ztunnel-1")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that holds all worlds."""
    for world in (*OWN.values(), *WORLDS.values()):
        world.lines.clear()
    fill()
    with running(tmp_path_factory.mktemp("prometheus"), [*OWN.values(), *WORLDS.values()]) as address:
        yield address


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.profile.name)
def test_each_profile_counts_its_world_exactly(url: str, told: Told):
    """Both reporters, unknown zones, a warm-up before and others after: every cell is the truth."""
    found = counts(url, told.profile, OWN[told.profile.name])
    assert cells(found) == told.truth
    assert (found.unit, found.grain) == (told.profile.unit, told.profile.grain)
    assert found.unattributed == told.lost
    assert said(found, slight=False) == ""
    assert found.window is not None
    assert OWN[told.profile.name].window.start_s <= found.window.start_s
    assert found.window.end_s <= OWN[told.profile.name].window.end_s


def test_outcomes_and_response_times(url: str):
    """5xx are faults, 4xx errors; milliseconds become seconds; a bucket's count stands at its bound."""
    found = {one.server: one for one in counts(url, BUILT_IN["linkerd"], OWN["linkerd"]).calls}
    assert (found["catalog-1"].faults, found["catalog-3"].errors) == (4, 3)
    assert found["catalog-2"].total_s == pytest.approx(12 * 0.007)
    assert found["catalog-2"].histogram == ((0.01, 12),)


def test_a_sampled_source_is_multiplied_and_says_so(url: str):
    """NetObserv looks at one packet of 50."""
    found = counts(url, BUILT_IN["netobserv"], OWN["netobserv"])
    assert "one of 50 was counted" in said(found, slight=True)


def test_increase_reads_wrong_where_the_difference_is_exact(url: str):
    """It extrapolates from the scrapes inside the window to its ends: 100 calls become more."""
    world = OWN["ztunnel"]
    text = f"sum(increase({METRIC}{{reporter='source', destination_zone='{A}'}}[60s]))"
    answer = open_prometheus(PrometheusAccess(url=url)).query(text, at_s=world.start_s + 115)
    extrapolated = float(answer["data"]["result"][0]["value"][1])
    assert abs(extrapolated - 40) > 1
    assert cells(counts(url, ZTUNNEL, world))["ui", "catalog", A, A] == 40


def test_a_restart_is_added_up_and_what_it_hides_is_told(url: str):
    """The calls between the last scrape and the restart are in no scrape: at most those are missing."""
    found = counts(url, ZTUNNEL, WORLDS["reset"])
    # Scraped at 53 s, restarted at 60 s: what came between is lost to everyone.
    hidden = sum(n for at, n in during(100) if 53 < at <= 60)
    assert hidden > 0
    assert cells(found) == {PAIR: 100 - hidden}
    assert "1 counters started again from 0 in the window, 1 times" in said(found, slight=False)


def test_a_restart_while_nothing_is_counted_is_exact(url: str):
    """Then nothing is hidden, and a caveat is enough."""
    found = counts(url, ZTUNNEL, WORLDS["quiet-reset"])
    assert cells(found) == {PAIR: 100}
    assert "nothing is missing" in said(found, slight=True)
    assert said(found, slight=False) == ""


def test_a_restart_that_shows_no_drop_is_found_by_the_process(url: str):
    """Three calls before, more after: the value only rises, but the process says when it began."""
    found = counts(url, ZTUNNEL, WORLDS["hidden"])
    assert cells(found) == {PAIR: 97 - sum(n for at, n in during(100) if at <= 24)}
    assert "1 counters belong to processes that restarted, but show no drop" in said(found, slight=False)


def test_a_series_born_in_the_window_counts_from_0(url: str):
    """Its target was scraped before without it."""
    found = counts(url, ZTUNNEL, WORLDS["born"])
    assert cells(found) == {PAIR: 100}
    assert said(found) == ""


def test_a_target_born_in_the_window_counts_from_0_and_says_so(url: str):
    """Nothing shows that it was not there before, except that its process began in the window."""
    found = counts(url, ZTUNNEL, WORLDS["unseen"])
    assert cells(found) == {PAIR: 100}
    assert "1 counters were first seen in the window" in said(found, slight=True)
    assert said(found, slight=False) == ""


def test_an_old_process_that_is_scraped_for_the_first_time_is_told(url: str):
    """Its whole life would count: 540 instead of 40."""
    found = counts(url, ZTUNNEL, WORLDS["older"])
    assert "processes that run since before the window were scraped for the first time" in said(
        found, slight=False
    )


def test_a_pod_that_is_gone_before_the_end_keeps_its_last_value(url: str):
    """40 calls, deleted in the midst of the window."""
    found = counts(url, ZTUNNEL, WORLDS["gone"])
    assert cells(found) == {PAIR: 100}
    assert "1 counters were not scraped any more at the window's end" in said(found, slight=True)


def test_a_gap_in_the_scrapes_is_no_birth(url: str):
    """Not scraped for ten minutes: its old value counts, and what the gap holds besides is told."""
    found = counts(url, ZTUNNEL, WORLDS["gap"])
    warm_up = sum(n for at, n in WARM_UP)
    assert cells(found) == {PAIR: 100 + warm_up}
    assert "1 counters had not been scraped for up to" in said(found, slight=False)


def test_a_target_that_comes_back_late_is_waited_for(url: str):
    """Scrapes fail from before the load's end until two minutes after it."""
    found = counts(url, ZTUNNEL, WORLDS["late"])
    later = sum(n for at, n in LATER)
    assert cells(found)[PAIR] - later == 100
    assert "may be counted" in said(found, slight=False)


@pytest.mark.parametrize("name", ["pair", "pair-restart"])
def test_two_servers_that_scrape_the_same_are_one(url: str, name: str):
    """Also where one of them saw the counter for the first time in the window."""
    found = counts(url, ZTUNNEL, WORLDS[name])
    assert cells(found) == {PAIR: 100}
    assert said(found, slight=False) == ""


def test_scrapes_outside_the_quiet_time_are_told(url: str):
    """Every 60 s is too seldom for 20 s of quiet."""
    found = counts(url, ZTUNNEL, WORLDS["coarse"])
    assert "keep quiet for longer than Prometheus' scrape interval" in said(found, slight=False)


def test_a_window_of_steady_traffic_is_that_of_its_scrapes(url: str):
    """Two calls a second: the counts are those of the time between the flanking scrapes, which is told."""
    world = WORLDS["steady"]
    found = counts(url, ZTUNNEL, world, quiet_s=0.0)
    assert found.window is not None
    assert cells(found) == {PAIR: 2 * found.window.length_s}
    assert (found.window.start_s, found.window.end_s) == (world.start_s - 7, world.start_s + 128)
    assert "of 135.0 s instead of 120.0 s, from 7.0 s before it and to 8.0 s after it" in said(
        found, slight=True
    )


def test_names_of_several_namespaces(url: str):
    """One workload name in two namespaces is two workloads."""
    found = counts(url, ZTUNNEL, WORLDS["namespaces"])
    assert cells(found) == {("ui", "catalog.shop", A, B): 50, ("ui", "catalog.test", A, B): 50}
    assert "told as NAME.NAMESPACE: catalog" in said(found, slight=True)


def test_stored_answers_are_read_without_prometheus(url: str, tmp_path: Any):
    """Through JSON, by the registry's reader; and the queries are among them."""
    world = OWN["ztunnel"]
    asked = source(url, ZTUNNEL)
    answers = asked.ask(Question(window=world.window, run_id="r", quiet_s=20.0))
    pages = tuple(tuple(dict(page) for page in one) for one in answers)
    graph = GraphFile(
        source=asked.name, window=world.window, queries=pages, polls=(), stable=True, reconciled=True
    )
    rundir.write_json(tmp_path / "graph.json", graph)
    again = rundir.read_json(tmp_path / "graph.json", GraphFile)
    found = READERS[again.source].read(Received(answers=again.queries), Facts())
    assert found == asked.reader.read(Received(answers=answers), Facts())
    assert cells(found)["ui", "catalog", A, A] == 40
    assert any("last_over_time" in one for one in found.queries)
    assert all("increase(" not in one for one in found.queries)


@dataclass
class Earlier:
    """Implements Store: the same answers, but the engine's clock is as it was then."""

    url: str
    now_s: float

    @property
    def where(self) -> str:
        return self.url

    def query(self, text: str, *, at_s: float | None = None) -> Raw:
        if text == "time()":
            return {"status": "success", "data": {"resultType": "scalar", "result": [0, str(self.now_s)]}}
        assert at_s is None or at_s <= self.now_s, "asked of the future"
        return open_prometheus(PrometheusAccess(url=self.url)).query(text, at_s=at_s)

    def version(self) -> str:
        return ""


def test_incomplete_until_the_next_scrape(url: str):
    """Scraped at 98 s and 113 s: until then nothing is said, afterwards all of it."""
    world = WORLDS["born"]
    question = Question(window=world.window, run_id="r", quiet_s=20.0)
    for after_s, is_there in ((0.5, False), (5.0, False), (10.0, False), (14.0, True), (250.0, True)):
        asked = PrometheusSource(Earlier(url, world.start_s + 100 + after_s), ZTUNNEL)
        if is_there:
            found = asked.reader.read(Received(answers=asked.ask(question)), Facts())
            assert cells(found) == {PAIR: 100}
        else:
            with pytest.raises(IncompleteError):
                asked.ask(question)


def test_a_load_before_which_nothing_was_counted(url: str):
    """All series are born in it."""
    found = counts(url, ZTUNNEL, WORLDS["young"])
    assert cells(found) == {PAIR: 100}
    assert said(found, slight=False) == ""


def test_two_jobs_that_scrape_the_same_are_told(url: str):
    """Which of them is right nobody can say: a filter does."""
    found = counts(url, ZTUNNEL, WORLDS["twice"])
    assert cells(found) == {PAIR: 200}
    assert "1 targets are scraped by several jobs" in said(found, slight=False)
    filtered = replace(ZTUNNEL, filters=(*ZTUNNEL.filters, 'job="pods"'))
    assert cells(counts(url, filtered, WORLDS["twice"])) == {PAIR: 100}


def test_a_window_without_anything(url: str):
    """No calls, and no invention."""
    start_s = WORLDS["young"].start_s + 6000
    asked = source(url, ZTUNNEL)
    question = Question(window=Window(start_s=start_s, end_s=start_s + 60), run_id=None)
    found = asked.reader.read(Received(answers=asked.ask(question)), Facts())
    assert (found.calls, found.window) == ((), None)


def test_the_interval_of_targets(url: str):
    """As far as the store tells of targets; of all of them while the metric itself is not there."""
    world = WORLDS["born"]
    for profile in (ZTUNNEL, replace(ZTUNNEL, metric="not_there_total")):
        asked = PrometheusSource(Earlier(url, world.start_s + 100), profile)
        assert asked.interval_s() == pytest.approx(15.0)
    assert PrometheusSource(Earlier(url, world.start_s - 6000), ZTUNNEL).interval_s() is None


def test_no_single_calls(url: str):
    """A sample is empty, and nothing was left out of it."""
    asked = source(url, ZTUNNEL)
    assert asked.sample(Question(window=WORLDS["born"].window, run_id="r"), 10).rows == ()


@dataclass
class Odd:
    """Implements Store: so many series restarted, each of so many targets."""

    series: int
    targets: int
    asked: list[str] = field(default_factory=list)
    where: str = "http://127.0.0.1:9"

    def query(self, text: str, *, at_s: float | None = None) -> Raw:
        self.asked.append(text)
        if text == "time()":
            return {"status": "success", "data": {"resultType": "scalar", "result": [0, "5000"]}}
        if text.endswith("ms]"):
            return {"status": "success", "data": {"resultType": "matrix", "result": []}}
        named = [
            {"pod": f"p-{at}", "job": "mesh", "instance": f"i-{at % self.targets}"}
            for at in range(self.series)
        ]
        is_reset = text.startswith(("((resets", "count(((resets"))
        if is_reset and text.startswith("count("):
            rows = [{"metric": {}, "value": [at_s, str(self.series)]}]
        elif is_reset:
            rows = [{"metric": one, "value": [at_s, "1"]} for one in named]
        else:
            rows = []
        return {"status": "success", "data": {"resultType": "vector", "result": rows}}

    def version(self) -> str:
        return ""


QUESTION = Question(window=Window(start_s=1_000, end_s=1_060), run_id="r", quiet_s=5.0)


@pytest.mark.parametrize(("series", "targets", "queries"), [(3, 3, 3), (150, 2, 150), (1_000, 20, 20)])
def test_series_that_restarted_are_asked_for_one_by_one_or_by_target(series: int, targets: int, queries: int):
    """Few by their labels, many of a target together."""
    store = Odd(series, targets)
    answers = PrometheusSource(store, ZTUNNEL).ask(QUESTION)
    assert sum(text.endswith("ms]") for text in store.asked) == queries
    found = PrometheusSource(store, ZTUNNEL).reader.read(Received(answers=answers), Facts())
    assert f"{series} series that restarted have no scrapes among the answers" in said(found)


@pytest.mark.parametrize(
    ("series", "targets", "words"),
    [(2_001, 3, "2001 counters of .* restarted .*more than 2000"), (300, 300, "counters of 300 targets")],
)
def test_too_many_restarts(series: int, targets: int, words: str):
    """What would have to be read has a bound, and one line says what to do."""
    with pytest.raises(InvalidRunError, match=words) as told:
        PrometheusSource(Odd(series, targets), ZTUNNEL).ask(QUESTION)
    assert "narrow the profile's filters" in str(told.value)


def test_too_many_pairs(monkeypatch: pytest.MonkeyPatch, url: str):
    """A table has a bound, too."""
    monkeypatch.setattr(prometheus_source, "MOST_ROWS", 2)
    with pytest.raises(InvalidRunError, match=r"4 pairs of istio_tcp.* changed, more than 2; narrow"):
        counts(url, ZTUNNEL, OWN["ztunnel"])


@dataclass
class Only:
    """Implements Store: a store that holds what these words are in, and nothing else."""

    holds: tuple[str, ...]
    where: str = "http://127.0.0.1:9"

    def query(self, text: str, *, at_s: float | None = None) -> Raw:
        del at_s
        value: list[Mapping[str, Any]] = [{"metric": {}, "value": [1, "3"]}]
        rows = value if any(word in text for word in self.holds) else []
        return {"status": "success", "data": {"resultType": "vector", "result": rows}}

    def version(self) -> str:
        return ""


def test_preflight_of_a_store_that_has_the_metric():
    """It says nothing."""
    PrometheusSource(Only((METRIC,)), ZTUNNEL).preflight()


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        (
            ("response_total[",),
            "nothing of istio_tcp_connections_opened_total.*linkerd .response_total.: choose",
        ),
        ((), "nor is there a metric of another profile"),
        ((f"{METRIC}[",), "holds istio_tcp_connections_opened_total but none with reporter"),
    ],
)
def test_preflight_says_what_there_is_instead(holds: tuple[str, ...], words: str):
    """Which profile was looked for, and which other one's metric is there."""
    with pytest.raises(InvalidRunError, match=words) as told:
        PrometheusSource(Only(holds), ZTUNNEL).preflight()
    assert "\n" not in str(told.value)
