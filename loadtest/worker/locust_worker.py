"""A Locust worker's side of the swarm: takes orders, keeps the round, reports to the master."""

import gc
import logging
import os
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.worker import variables
from loadtest.worker.board import REPORT_S
from loadtest.worker.choice import id_sources, page_mix, visits_of
from loadtest.worker.connections import trust_of
from loadtest.worker.extraction import fetch_ids, page_of
from loadtest.worker.messages import DISMISSAL, ORDER_OPTION, REPORT, Order, WorkerReport, read_order
from loadtest.worker.own_hooks import install
from loadtest.worker.own_requests import UNREPORTED_S, Recorder
from loadtest.worker.own_users import NOBODY, OwnUsers
from loadtest.worker.placement import WorkerPlacement, target_of
from loadtest.worker.plan import STORE_LINKS, IdSource, LoadPlan
from loadtest.worker.shopper import Round, Shopper, SpanMaker
from loadtest.worker.sink import SpanSink
from loadtest.worker.stats_batch import StatsBatch
from loadtest.worker.tally import WorkerTally
from loadtest.worker.target import Target
from loadtest.worker.tracing import SpanEncoder, wall_clock
from loadtest.worker.typed_json import encode

logger = logging.getLogger(__name__)

_LEAST_CPU_S = 0.9
"""A shorter interval says little: one report on demand is half a millisecond of work."""
_DRAIN_S = 20.0
"""How long spans of a finished round may take before they are dropped."""
_QUIT_DRAIN_S = 3.0
_QUIT_QUIET_S = 2.0
_JOIN_LEAD_S = 0.1
"""From taking a seat to its first arrival: Locust spawns the users in that time."""
_LONGEST_LEAD_S = 5.0
"""A start further away than this is a clock that differs from the master's: begin within it anyway."""
_ORPHAN_S = 10.0
"""Locust lets a worker go on for a minute after its master died; this one stops sending sooner."""
_FETCH_TIMEOUT_S = 2.0
_LONGEST_QUIET_S = 45.0
"""Locust's master waits a minute for its workers to stop."""
_KILL_S = 10.0
_STORE = "ui"
"""The client Service of the store, whose catalog page is known."""
_QUIET_POLL_S = 0.005


class Worker:
    """Listens to Locust's events on one worker."""

    def __init__(
        self,
        environment: Environment,
        placement: WorkerPlacement,
        version: str,
        own: OwnUsers = NOBODY,
    ) -> None:
        """*own* are the user's own users, which an order may ask for."""
        runner = environment.runner
        if not isinstance(runner, WorkerRunner):
            raise TypeError("a Worker needs Locust's WorkerRunner")
        self._environment = environment
        self._runner = runner
        self._placement = placement
        self._version = version
        self._own = own
        self._stats = StatsBatch(environment)
        self._recorder = Recorder(placement.ip)
        if own.classes:
            install(environment, self._recorder)
        self._learned: dict[IdSource, tuple[str, ...]] = {}
        self._shop = target_of(placement, Target()).url
        """Whose ids these are."""
        self._with_cookies: set[str] = set()
        """Targets that set cookies: Locust's own user sends all pages to them."""
        self._problem = ""
        """Why nothing is sent in this round."""
        self._round: Round | None = None
        self._nudge = Event()
        self._cpu_mark = (time.perf_counter(), time.process_time())
        self._heard = (0.0, time.perf_counter())
        """The master's last sign of life: Locust's stamp, and when it was new by a clock that nobody sets."""
        hooks: Any = environment.events  # their methods are not annotated
        hooks.test_start.add_listener(self._on_test_start)
        hooks.test_stopping.add_listener(self._on_test_stopping)
        hooks.quitting.add_listener(self._on_quitting)
        runner.register_message(DISMISSAL, self._on_dismissal)
        if placement.service == _STORE and not own.classes:
            gevent.spawn(self._learn_products)
        gevent.spawn(self._report_for_ever)
        # What exists now lives as long as the process: keep the collector from walking it in mid-request.
        gc.collect()
        gc.freeze()

    def _on_test_start(self, **_event: Any) -> None:
        raw = getattr(self._environment.parsed_options, ORDER_OPTION, "")
        if not raw:
            logger.error("the master sent no order; nothing will be sent")
            return
        ordered_s = time.perf_counter()
        order = read_order(raw)
        target = target_of(self._placement, order.plan.target)
        if target.url != self._shop:
            self._shop, self._learned = target.url, {}
        self._problem = self._trouble(order.plan, target)
        if self._problem:
            logger.error("nothing will be sent: %s", self._problem)
        if order.plan.is_closed_loop:
            # Locust gives it to every user class: each worker calls its own target, whatever the file says.
            self._environment.host = target.url
        self._round = Shopper.round = self._recorder.round = self._new_round(order, ordered_s)
        self._cpu_mark = (time.perf_counter(), time.process_time())
        self._nudge.set()  # the master's caller waits to hear that nothing is in the way

    def _trouble(self, plan: LoadPlan, target: Target) -> str:
        """Why what the plan asks for cannot be sent; empty where it can."""
        if plan.is_closed_loop:
            return self._own.trouble(plan)
        return variables.trouble(plan.pages, os.environ) or self._learn(plan, target)

    def _new_round(self, order: Order, ordered_s: float) -> Round:
        """The round that *order* asks for, which came when ``time.perf_counter()`` read *ordered_s*."""
        seat = order.seat(self._runner.client_id)
        share = None if seat is None or self._problem else order.plan.seats(len(order.seats))[seat]
        if order.late_s and share is not None:
            # The seat's schedule goes on where it is now: what nobody sent until here is not sent any more.
            start_s = ordered_s - order.late_s
            first_slot = share.due(time.perf_counter() + _JOIN_LEAD_S - start_s)
        else:
            lead_s = min(max(0.0, order.start_at_s - time.time()), _LONGEST_LEAD_S)
            start_s, first_slot = time.perf_counter() + lead_s, 0
        target = target_of(self._placement, order.plan.target)
        if (before := self._round) is not None and not before.is_lean:
            self._with_cookies.add(before.target.url)
        spans = None
        if self._placement.tracing:
            encoder = SpanEncoder(
                self._placement,
                run_id=order.run_id,
                phase=order.phase,
                version=self._version,
                remote=target.service,
            )
            spans = SpanMaker(
                encoder=encoder, sink=SpanSink(self._placement.traces_url, encoder.request_body)
            )
        return Round(
            placement=self._placement,
            plan=order.plan,
            target=target,
            trust=trust_of(target),
            generation=order.generation,
            share=share,
            mix=page_mix(
                order.plan.pages,
                self._learned,
                seed=order.plan.seed,
                worker=seat or 0,
                environment=defaultdict(str) if self._problem else os.environ,
            ),
            clock=wall_clock(),
            start_s=start_s,
            first_slot=first_slot,
            spans=spans,
            stats=self._stats,
            is_lean=self._placement.lean and target.url not in self._with_cookies,
        )

    def _on_test_stopping(self, **_event: Any) -> None:
        """Send no more and let requests in flight end; spans are delivered afterwards, in the background.

        Locust stops its users after this returns. Its master waits a minute for that, so waiting here loses
        nothing, where a slow ``test_stop`` handler loses samples.
        """
        current = self._round
        if current is None or current.stopping:
            return
        current.stopping = True
        self._await_quiet(current, min(current.plan.timeout_s, _LONGEST_QUIET_S))
        self._stats.flush()
        gevent.spawn(self._settle, current)

    def _on_dismissal(self, **_event: Any) -> None:
        """Another worker has this one's seat: it was taken for lost."""
        if self._round is not None and not self._round.stopping:
            logger.warning("the seat is taken; no more requests are sent")
            self._retire(self._round)

    def _retire(self, current: Round) -> None:
        current.stopping = True
        gevent.spawn(self._settle, current)

    def _await_quiet(self, current: Round, limit_s: float) -> None:
        deadline_s = time.perf_counter() + limit_s
        while current.counter.in_flight and time.perf_counter() < deadline_s:
            self._recorder.flush(older_s=UNREPORTED_S)
            gevent.sleep(_QUIET_POLL_S)

    def _settle(self, current: Round) -> None:
        """Deliver the last spans, those of requests that Locust cuts off now included."""
        if current.plan.is_closed_loop:
            self._await_users(_KILL_S)
        self._await_quiet(current, _KILL_S)
        if current.spans:
            current.spans.sink.drain(_DRAIN_S)
            current.spans.sink.close()
        current.is_settled = True
        self._nudge.set()

    def _await_users(self, limit_s: float) -> None:
        """Wait until Locust's users are gone: an ``on_stop`` of theirs may send requests."""
        deadline_s = time.perf_counter() + limit_s
        while self._runner.user_count and time.perf_counter() < deadline_s:
            gevent.sleep(_QUIET_POLL_S)

    def _on_quitting(self, **_event: Any) -> None:
        """Asked to end, perhaps in the middle of the load: the last word leaves nothing untold."""
        current = self._round
        if current is None:
            return
        current.stopping = True
        self._await_quiet(current, _QUIT_QUIET_S)
        self._stats.flush()
        if current.spans:
            current.spans.sink.drain(_QUIT_DRAIN_S)
        self._runner.send_message(REPORT, {"report": encode(self._report())})

    def _learn(self, plan: LoadPlan, target: Target) -> str:
        """Learn what ids the plan's pages want; a clause about those that are not to be had.

        The store's own pages are opened without them, and fail visibly.
        """
        for source in sorted(id_sources(plan.pages), key=lambda one: one.page):
            if self._learned.get(source):
                continue
            page = page_of(source, plan.pages)
            visit = visits_of(page, (), os.environ)[0]
            self._learned[source], status = fetch_ids(
                self._placement, target, visit, source, _FETCH_TIMEOUT_S
            )
            if self._learned[source]:
                continue
            told = f"page {page.name} shows no ids ({f'HTTP {status}' if status else 'no answer'})"
            if source != STORE_LINKS:
                return f"{told}; see what it answers to {page.method} {page.path}"
            logger.error("%s: %s", target.url, told)
        return ""

    def _learn_products(self) -> None:
        """Know the store's products before the first order comes, outside of any window."""
        visit = visits_of(page_of(STORE_LINKS, ()), (), {})[0]
        target = target_of(self._placement, Target())
        while not self._learned.get(STORE_LINKS) and self._shop == target.url:
            found, _ = fetch_ids(self._placement, target, visit, STORE_LINKS, _FETCH_TIMEOUT_S)
            self._learned[STORE_LINKS] = found
            gevent.sleep(REPORT_S)

    def _report_for_ever(self) -> None:
        while True:
            self._stop_if_orphaned()
            self._recorder.flush()
            self._stats.flush()
            self._runner.send_message(REPORT, {"report": encode(self._report())})
            self._nudge.wait(REPORT_S)
            self._nudge.clear()

    def _report(self) -> WorkerReport:
        current, placement = self._round, self._placement
        if current is None:
            empty = WorkerTally(
                worker=placement.pod, zone=placement.zone, node=placement.node, process=os.getpid()
            )
            return WorkerReport(generation=0, idle=True, tally=empty)
        if not current.stopping:
            current.counter.cpu_percent_max = max(current.counter.cpu_percent_max, self._cpu_percent())
        sink = current.spans.sink if current.spans else None
        tally = current.counter.tally(
            worker=placement.pod,
            zone=placement.zone,
            node=placement.node,
            spans=(sink.made, sink.delivered, sink.dropped, sink.again) if sink else (0, 0, 0, 0),
        )
        tally = replace(tally, process=os.getpid(), skipped=current.first_slot)
        return WorkerReport(
            generation=current.generation, idle=current.idle, tally=tally, problem=self._problem
        )

    def _cpu_percent(self) -> float:
        """CPU use of this process over the last second, 100 = one core; 0 where less time has passed."""
        before_s, before_cpu_s = self._cpu_mark
        now_s, now_cpu_s = time.perf_counter(), time.process_time()
        if now_s - before_s < _LEAST_CPU_S:
            return 0.0
        self._cpu_mark = now_s, now_cpu_s
        return 100 * (now_cpu_s - before_cpu_s) / (now_s - before_s)

    def _stop_if_orphaned(self) -> None:
        stamp_s = self._runner.last_heartbeat_timestamp or 0.0
        if stamp_s != self._heard[0]:
            self._heard = (stamp_s, time.perf_counter())
        silent_s = time.perf_counter() - self._heard[1]
        current = self._round
        if current and not current.stopping and stamp_s and silent_s > _ORPHAN_S:
            logger.error("the master is silent; no more requests are sent")
            self._retire(current)


def end_with(parent: int) -> None:
    """End this process when process *parent* is gone, so that a killed command leaves no swarm behind."""

    def watch() -> None:
        while os.getppid() == parent:
            gevent.sleep(REPORT_S)
        logger.error("the process that started this one is gone; ending")
        os._exit(1)

    gevent.spawn(watch)
