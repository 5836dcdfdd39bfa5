"""The lab's processes: started in their order, kept, and ended in the reverse one.

Lives in the supervisor's process, which stays single-threaded, so that a fork copies a program in a known
state. Plays the kubelets of all nodes and the controllers of their pods, too.
"""

import contextlib
import gc
import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit

from k8s.errors import UnreachableError
from k8s.lab import state
from k8s.lab.apiclient.api import LabApi
from k8s.lab.apiserver import server as apiserver
from k8s.lab.apiserver.handlers import Terms
from k8s.lab.asking import answers, relays_complete, scrapes_all
from k8s.lab.controllers import endpointslices
from k8s.lab.design.application import Program
from k8s.lab.design.layout import LabNode, LabPod
from k8s.lab.nodes.kubelet import Kubelet, rfc3339_now
from k8s.lab.processes import ProcessId, Signals, end, fork, identify, send
from k8s.lab.relay import node_proxy as relay
from k8s.lab.run import scraper
from k8s.lab.run.control_plane import Controllers
from k8s.lab.run.lineup import LabPlan, node_state
from k8s.lab.run.ports import HOST
from k8s.lab.run.scraper import PROMETHEUS, Scraper
from k8s.lab.run.seeding import seed
from k8s.lab.service import program
from k8s.lab.state import ChildState, Crash, LabState, Phase
from k8s.lab.store import catalog, ui
from k8s.lab.xray import app as xray
from k8s.lab.xray.behaviour import Settings as XRaySettings
from k8s.topology import PodName, Zone

API_SERVER, XRAY, CONTROLLER = "apiserver", "xray", "controller"
BOOT_DEADLINE_S = 20.0
_POLL_S = 0.02
_TICK_S = 0.1
_PODS_END_S = 6.0
"""A pod may take 5 s to export its last spans."""
_REST_ENDS_S = 2.0
_SIGNALLED = 128
"""A shell, and a kubelet, add the signal's number to it."""
_ROLES = {Program.SERVICE: program.serve, Program.CATALOG: catalog.serve, Program.UI: ui.serve}
_log = logging.getLogger(__name__)


class StoppedError(UnreachableError):
    """The supervisor was told to stop."""


class CrashedError(UnreachableError):
    """A process ended that the lab cannot do without."""

    def __init__(self, crash: Crash) -> None:
        super().__init__(f"the lab has crashed: {crash}")
        self.crash = crash


class Crew:
    """The lab's processes, from the first to the last."""

    def __init__(self, plan: LabPlan, signals: Signals, close_in_children: tuple[int, ...]) -> None:
        self._plan = plan
        self._signals = signals
        self._close = (*close_in_children, *signals.descriptors)
        self._api = LabApi(plan.api_url, plan.token)
        self._names: dict[int, str] = {}
        self._infrastructure: dict[str, ProcessId] = {}
        me = identify(os.getpid()) or ProcessId(pid=os.getpid(), started="")
        self.state: LabState = plan.state(me, time.time())
        self._late_s = _late(plan)
        self._controllers = Controllers(
            plan, self._api, make_kubelet=self._kubelet, start_relay=self._start_relay, late=self._late_s
        )
        self._keepers = self._controllers.keepers
        self._scraper = Scraper(
            folder=self.state.prometheus_dir, launch=self._launch_prometheus, clock_s=time.monotonic
        )
        self._up_at_s = 0.0
        self._prometheus = ""

    def boot(self) -> None:
        """Start everything and wait until it works; CrashedError, StoppedError or UnreachableError else."""
        plan = self._plan
        settings = plan.settings
        state.write(self.state)
        gc.collect()
        gc.freeze()  # so that collections in the children do not touch, and copy, the pages they share
        until_s = time.monotonic() + BOOT_DEADLINE_S
        self._start(API_SERVER, partial(apiserver.serve, HOST, settings.api_port, _terms(plan)))
        self._start(XRAY, partial(_serve_xray, plan))
        self._wait_for("the API server to answer", self._api.is_up, until_s)
        seed(plan, self._api, rfc3339_now())
        self._start(CONTROLLER, partial(endpointslices.serve, plan.api_url, plan.token, settings.seed))
        for node in plan.layout.nodes:
            self._start_relay(node)
        self._start_prometheus()
        self._controllers.begin()
        pods = [pod for pod in plan.layout.pods if pod.name not in self._late_s]
        callees = [pod for pod in pods if not pod.workload.rate_per_s]
        self._bring_up(callees, until_s)
        self._wait_for("X-Ray to answer", partial(answers, f"{plan.xray_url}/healthz"), until_s)
        if len(callees) < len(pods):  # who calls by itself finds everybody there
            self._bring_up(pods, until_s)
        self._await_prometheus(until_s)
        self._controllers.live()
        self.state = replace(self.state, phase=Phase.UP)
        state.write_access_files(self.state)
        self._write_state()

    def run(self) -> None:
        """Keep the lab until told to stop; CrashedError if it cannot be kept."""
        self._up_at_s = time.monotonic()
        while not self._signals.stop:
            self._signals.wait(_TICK_S, self._controllers.descriptors)
            self._reap()
            self._roll_out()
            is_news = self._controllers.live()
            if self.state.prometheus_url is not None:
                is_news |= self._scraper.tick()
            if is_news:
                self._write_state()

    def stop(self) -> None:
        """End every process: pods first, so that their last spans find somebody."""
        self._keepers.thaw_all()
        servers = [self._infrastructure[name] for name in (API_SERVER, XRAY) if name in self._infrastructure]
        first = [child.process for child in self._children() if child.process not in servers]
        for process in (*end(first, deadline_s=_PODS_END_S), *end(servers, deadline_s=_REST_ENDS_S)):
            _log.warning(
                "process %d (%s) did not end and was killed", process.pid, self._names.get(process.pid)
            )
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _kubelet(self, pod: LabPod) -> Kubelet:
        machine = self._controllers.machines[pod.node]
        return Kubelet(
            pod=pod,
            host_ip=machine.ip,
            api=self._api,
            probe=answers,
            clock_s=time.monotonic,
            launch=partial(
                self._fork, pod.name, partial(_ROLES[pod.workload.program], self._plan.pod(pod, machine))
            ),
            send=send,
        )

    def _bring_up(self, pods: Collection[LabPod], until_s: float) -> None:
        """Start those of *pods* that do not run, and wait until every relay can reach each of them."""
        kubelets = self._keepers.kubelets
        self._keepers.start(pod.name for pod in pods)
        self._write_state()
        self._wait_for("all pods to be ready", lambda: all(kubelets[pod.name].ready for pod in pods), until_s)
        urls = [node.relay_admin_url for node in self.state.nodes]
        counts = Counter(pod.service for pod in pods)
        self._wait_for("the relays to know all endpoints", partial(relays_complete, urls, counts), until_s)

    def _wait_for(self, what: str, is_so: Callable[[], bool], until_s: float) -> None:
        while not is_so():
            self._signals.wait(_POLL_S)
            if self._signals.stop:
                raise StoppedError("starting the lab: it was told to stop")
            self._reap()
            if self._keepers.tick():
                self._write_state()
            if time.monotonic() > until_s:
                raise UnreachableError(
                    f"starting the lab: waited {BOOT_DEADLINE_S:.0f} s for {what}; see the logs in "
                    f"{self.state.state_dir / state.LOG_DIR}"
                )

    def _fork(self, name: str, serve: Callable[[], None]) -> ProcessId:
        own = (*self._controllers.descriptors, *self._api.descriptors)
        process = fork(name, self._log_of(name), serve, close=(*self._close, *own))
        self._names[process.pid] = name
        return process

    def _start_relay(self, node: LabNode) -> None:
        self._start(f"relay-{node.name}", partial(relay.serve, self._plan.relay(node)))

    def _start(self, name: str, serve: Callable[[], None]) -> None:
        self._infrastructure[name] = self._fork(name, serve)

    def _start_prometheus(self) -> None:
        scrape_s = self._plan.settings.prometheus_scrape_s
        if scrape_s is not None:
            self._prometheus = scraper.program()
            self._scraper.start(scrape_s, self._targets())

    def _launch_prometheus(self) -> ProcessId:
        become = partial(
            scraper.become_prometheus,
            self._prometheus,
            self.state.prometheus_dir,
            self._plan.prometheus_address or "",
        )
        return self._fork(PROMETHEUS, become)

    def _await_prometheus(self, until_s: float) -> None:
        """Until there is a sample of every relay, so that whatever happens from now on is seen."""
        url, scrape_s = self.state.prometheus_url, self._plan.settings.prometheus_scrape_s
        if url is not None and scrape_s is not None:
            self._wait_for(
                "Prometheus to have scraped the relays",
                lambda: scrapes_all(url, self._targets()),
                until_s + scrape_s,
            )

    def _targets(self) -> list[str]:
        return [urlsplit(url).netloc for url in self.state.relay_admin_urls]

    def _reap(self) -> None:
        """Take notice of the children that ended; while the lab starts, none of them may."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._names.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
            if name == PROMETHEUS and self.state.phase is not Phase.STARTING:
                self._scraper.ended(how)
                self._write_state()
                continue
            if name in self._infrastructure or self.state.phase is Phase.STARTING:
                raise CrashedError(Crash(name=name, how=how, log_lines=state.last_lines(self._log_of(name))))
            self._keepers.kubelets[PodName(name)].ended(code if code >= 0 else _SIGNALLED - code)
            self._controllers.look_soon()
            self._write_state()

    def _roll_out(self) -> None:
        """Start the pods of a rollout whose time has come."""
        up_s = time.monotonic() - self._up_at_s
        for name in [name for name, late_s in self._late_s.items() if late_s <= up_s]:
            del self._late_s[name]
            self._keepers.start((name,))

    def _children(self) -> tuple[ChildState, ...]:
        pods = {name: kubelet.process for name, kubelet in self._keepers.kubelets.items()}
        looking_on = {PROMETHEUS: self._scraper.process}
        return tuple(
            ChildState(name=name, process=process)
            for name, process in (*self._infrastructure.items(), *looking_on.items(), *pods.items())
            if process is not None
        )

    def _write_state(self) -> None:
        """Put what is there now into the state file."""
        machines, kubelets = self._controllers.machines.values(), self._keepers.kubelets.values()
        self.state = replace(
            self.state,
            nodes=tuple(node_state(node) for node in machines),
            services=tuple(one for node in machines for one in self._plan.services(node)),
            pods=tuple(
                replace(state.pod_state(one.pod), ready=one.ready and one.node_ready, restarts=one.restarts)
                for one in kubelets
            ),
            children=self._children(),
            prometheus_restarts=self._scraper.restarts,
        )
        if self.state.prometheus_url is not None:
            self._scraper.look_at(self._targets())
        state.write(self.state)

    def _log_of(self, name: str) -> Path:
        return self.state.state_dir / state.LOG_DIR / f"{name}.log"


def _late(plan: LabPlan) -> dict[PodName, float]:
    """Seconds after the start at which the later pods of a rollout are due.

    Zone by zone in turn, as a scheduler spreads them, and the first ones evenly over the zones.
    """
    rollout = plan.settings.rollout
    if rollout is None:
        return {}
    by_zone: dict[Zone, list[PodName]] = {zone: [] for zone in plan.settings.zones}
    for pod in plan.layout.pods:
        if pod.service == rollout.workload:
            by_zone[pod.zone].append(pod.name)
    turns = [name for turn in zip_longest(*by_zone.values()) for name in turn if name is not None]
    return {name: (index + 1) * rollout.every_s for index, name in enumerate(turns[rollout.start :])}


def _terms(plan: LabPlan) -> Terms:
    addresses = plan.layout.addresses
    return Terms(token=plan.token, reaches=lambda address: addresses.node_of(address) is not None)


def _serve_xray(plan: LabPlan) -> None:
    settings = plan.settings
    chosen = XRaySettings(region=settings.region, seed=settings.seed, control_token=plan.token)
    xray.serve(HOST, settings.xray_port, settings=chosen)
