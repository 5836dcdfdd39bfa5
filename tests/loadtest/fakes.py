"""Stand-ins for a place that carries load: generators and a platform on a fake cluster's clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from k8s.effects import Talk
from k8s.errors import UnreachableError, UsageError
from k8s.live.control import VersionedService
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import EndpointSlice, Event, Service, ServiceKey
from loadtest.measure import Consent, Load, MeasureRequest, MeasureSession
from loadtest.record import Asked, Place
from loadtest.swarm.interface import Phase, Progress
from loadtest.swarm.platforms import Checked
from loadtest.truthfile import TruthFile
from loadtest.worker.live_view import Handover, LiveView
from loadtest.worker.messages import Order
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerLoss, WorkerTally
from tests.k8s.fakes import KEY, FakeCluster, endpoint, holds, one_slice

UI = ServiceKey(namespace="ui", name="ui")
PLACE = Place(platform="lab", context="lab", server="x", version="v1.35", region="r", zones=("a", "b"))
LOAD = Load(service=KEY, client=UI, plan=LoadPlan(rate_per_s=10, duration_s=10, warmup_s=2, quiet_s=1.5))
PLAIN = one_slice(endpoint("a"), endpoint("b"))
HINTED = one_slice(endpoint("a", "a"), endpoint("b", "b"))


@dataclass
class FakePlaceCluster(FakeCluster):
    """A cluster with a name, whose controller gives hints at once where a mode wants them."""

    context: str = "lab"
    server: str = "http://127.0.0.1:1"
    items: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Raw objects by the path of their collection."""

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        assert key == self.current.key
        return (PLAIN,) if mode_of(self.current) is RoutingMode.OFF else (HINTED,)

    def version(self) -> str:
        return "v1.35.0"

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Mapping[str, Any]]:
        del query
        return self.items.get(path, [])


@dataclass
class FakeSwarm:
    """Sends ten requests a second on the fake clock; trouble comes where it is ordered."""

    cluster: FakeCluster
    lost_at_s: float = 1e9
    back_after_s: float = 0.0
    """A lost worker is given up after so long, or it is back where it is to be."""
    comes_back: bool = False
    dies_at_s: float = 1e9
    """The master does not answer any more."""
    interrupt_at_s: float = 1e9
    fails_to_open: bool = False
    interrupted_while_opening: bool = False
    going: str = ""
    """Run of a load that somebody started in the web UI and left there."""
    steps: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def web_url(self) -> str:
        return "http://127.0.0.1:8089"

    def open(self) -> tuple[WorkerTally, ...]:
        self.steps.append("open")
        if self.fails_to_open:
            raise UnreachableError("starting the workers: port 5557 is taken")
        if self.interrupted_while_opening:
            raise KeyboardInterrupt
        return (WorkerTally(worker="w1", zone="a", node="node-a"),)

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        del plan, run_id
        self.steps.append(f"start {phase} {mode_of(self.cluster.current)}")
        self.requests = 0

    def progress(self) -> Progress:
        if self.cluster.now_s >= self.interrupt_at_s:
            self.interrupt_at_s = 1e9
            raise KeyboardInterrupt
        if self.silent_s:
            raise UnreachableError("the Locust master does not answer")
        self.requests += 5
        lost = tuple(loss.worker for loss in self.losses() if not loss.back_s)
        return Progress(
            requests=self.requests,
            failures=0,
            workers=1,
            lost=lost,
            given_up=lost if self.cluster.now_s >= self.lost_at_s + self.back_after_s else (),
            losses=self.losses(),
            tallies=self.tallies(),
            state="running" if self.going and "stop" not in self.steps else "",
            order=self._order(),
        )

    def _order(self) -> Order | None:
        if not self.going:
            return None
        return Order(
            generation=1, run_id=self.going, phase=Phase.MEASURE, plan=LoadPlan(), start_at_s=101.0, seats=()
        )

    def show(self, view: LiveView) -> Handover:
        del view
        return Handover()

    def stop(self) -> None:
        self.steps.append("stop")

    def tallies(self) -> tuple[WorkerTally, ...]:
        return (WorkerTally(worker="w1", zone="a", node="node-a", requests=self.requests),)

    def losses(self) -> tuple[WorkerLoss, ...]:
        if self.cluster.now_s < self.lost_at_s:
            return ()
        back_s = self.lost_at_s + self.back_after_s
        is_back = self.comes_back and self.cluster.now_s >= back_s
        loss = WorkerLoss(worker="w1", zone="a", seat=1, turn=0, lost_s=self.lost_at_s)
        return (replace(loss, back_s=back_s, replaced_by="w2") if is_back else loss,)

    @property
    def silent_s(self) -> float:
        return max(0.0, self.cluster.now_s - self.dies_at_s)

    def close(self) -> None:
        self.steps.append("close")


@dataclass
class FakePlatform:
    """A place on a fake cluster; *checked* is what it finds before a run."""

    cluster: FakePlaceCluster
    make_swarm: Callable[[FakePlaceCluster], FakeSwarm] = FakeSwarm
    checked: Checked = field(default_factory=Checked)
    facts: Place = PLACE
    read_truth: Callable[[], Any] | None = None
    swarms: list[FakeSwarm] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    names: list[tuple[ServiceKey, str, Path, int]] = field(default_factory=list)
    """What each swarm was asked for: client, name, log folder, web port."""

    def place(self) -> Place:
        return self.facts

    def check(self, asked: Asked) -> Checked:
        self.asked.append(asked)
        return self.checked

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> FakeSwarm:
        self.names.append((client, name, log_dir, web_port))
        self.swarms.append(self.make_swarm(self.cluster))
        return self.swarms[-1]

    def truth_file(self, before: Any, after: Any) -> TruthFile:
        del before, after
        return TruthFile(rows=(), connection_per_call=True)


@dataclass
class Person:
    """Hears what is said, and answers when asked."""

    agrees: bool = True
    said: list[str] = field(default_factory=list)
    questions: list[tuple[str, ...]] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def agree(self, lines: Sequence[str]) -> None:
        self.questions.append(tuple(lines))
        if not self.agrees:
            raise UsageError("not agreed, so nothing was changed")


def session(platform: FakePlatform, folder: Path, person: Person | None = None) -> MeasureSession:
    """A session on the fake platform's clock, with real files below *folder*."""
    person = person or Person()
    return MeasureSession(
        open_platform=lambda: platform,
        clock=platform.cluster.clock,
        monotonic=platform.cluster.monotonic,
        sleep=platform.cluster.sleep,
        say=person.say,
        consent=Consent(talk=Talk(say=person.say, agree=person.agree)),
        holds=holds(platform.cluster, Originals(folder / "originals"), said=person.said),
        logs=folder / "logs",
        versions=(("samezone", "0.1.0"),),
    )


def request(
    folder: Path, mode: RoutingMode = RoutingMode.TAR, *, arm: str | None = None, keep: bool = False
) -> MeasureRequest:
    return MeasureRequest(mode=mode, load=LOAD, runs=folder / "runs", arm=arm, keep=keep)


PAYMENTS = ServiceKey(namespace="shop", name="payments")


@dataclass
class FakeTwoServices(FakePlaceCluster):
    """The same, with a Service of payments beside the catalog's; each has a controller of its own."""

    second: FakePlaceCluster = field(
        default_factory=lambda: FakePlaceCluster(current=Service(namespace="shop", name="payments"))
    )
    order: list[str] = field(default_factory=list)
    """What was asked of which Service: ``lease catalog``, ``patch payments``, in order."""

    def service(self, key: ServiceKey) -> Service:
        return self.second.service(key) if key == PAYMENTS else super().service(key)

    def versioned(self, key: ServiceKey) -> VersionedService:
        return self.second.versioned(key) if key == PAYMENTS else super().versioned(key)

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        return self.second.slices(key) if key == PAYMENTS else super().slices(key)

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        return self.second.events(key) if key == PAYMENTS else super().events(key)

    def patch_service(self, key: ServiceKey, patch: dict[str, Any]) -> Service:
        self.order.append(f"patch {key.name}")
        self.second.is_away = self.is_away
        return self.second.patch_service(key, patch) if key == PAYMENTS else super().patch_service(key, patch)

    def create_object(self, path: str, body: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        self.order.append(f"create {path.split('/')[-2]} {body['metadata']['name']}")
        return super().create_object(path, body, what=what)

    @property
    def modes(self) -> tuple[RoutingMode, RoutingMode]:
        """Of the catalog's Service and that of payments."""
        return mode_of(self.current), mode_of(self.second.current)
