"""A Locust worker's side of the swarm: takes orders, keeps the round, reports to the master."""

import gc
import logging
import os
import time
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.worker.choice import needs_products, page_mix
from loadtest.worker.messages import ORDER_OPTION, REPORT, Order, WorkerReport, read_order
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import WorkerShare, shares
from loadtest.worker.products import fetch_products
from loadtest.worker.shopper import Round, Shopper, SpanMaker
from loadtest.worker.sink import SpanSink
from loadtest.worker.tally import WorkerTally
from loadtest.worker.tracing import SpanEncoder, wall_clock
from loadtest.worker.typed_json import encode

logger = logging.getLogger(__name__)

_REPORT_S = 1.0
_LEAST_CPU_S = 0.9
"""A shorter interval says little: one report on demand is half a millisecond of work."""
_DRAIN_S = 20.0
"""How long spans of a finished round may take before they are dropped."""
_QUIT_DRAIN_S = 3.0
_LONGEST_LEAD_S = 5.0
"""A start further away than this is a clock that differs from the master's: begin within it anyway."""
_ORPHAN_S = 10.0
"""Locust lets a worker go on for a minute after its master died; this one stops sending sooner."""
_FETCH_TIMEOUT_S = 2.0
_LONGEST_QUIET_S = 45.0
"""Locust's master waits a minute for its workers to stop."""
_KILL_S = 10.0
_QUIET_POLL_S = 0.005


class Worker:
    """Listens to Locust's events on one worker."""

    def __init__(self, environment: Environment, placement: WorkerPlacement, version: str) -> None:
        runner = environment.runner
        if not isinstance(runner, WorkerRunner):
            raise TypeError("a Worker needs Locust's WorkerRunner")
        self._environment = environment
        self._runner = runner
        self._placement = placement
        self._version = version
        self._products: tuple[str, ...] = ()
        self._round: Round | None = None
        self._nudge = Event()
        self._cpu_mark = (time.perf_counter(), time.process_time())
        hooks: Any = environment.events  # their methods are not annotated
        hooks.test_start.add_listener(self._on_test_start)
        hooks.test_stopping.add_listener(self._on_test_stopping)
        hooks.quitting.add_listener(self._on_quitting)
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
        order = read_order(raw)
        if needs_products(order.plan.pages) and not self._products:
            self._products = fetch_products(self._placement, _FETCH_TIMEOUT_S)
            if not self._products:
                logger.error("%s: the catalog page shows no products", self._placement.ui_url)
        seat = order.seat(self._runner.client_id)
        share = None if seat is None else shares(order.plan.rate_per_s, len(order.seats))[seat]
        lead_s = min(max(0.0, order.start_at_s - time.time()), _LONGEST_LEAD_S)
        self._round = Shopper.round = self._new_round(order, share, seat or 0, lead_s)
        self._cpu_mark = (time.perf_counter(), time.process_time())

    def _new_round(self, order: Order, share: WorkerShare | None, seat: int, lead_s: float) -> Round:
        spans = None
        if self._placement.tracing:
            encoder = SpanEncoder(
                self._placement, run_id=order.run_id, phase=order.phase, version=self._version
            )
            spans = SpanMaker(
                encoder=encoder, sink=SpanSink(self._placement.traces_url, encoder.request_body)
            )
        return Round(
            placement=self._placement,
            plan=order.plan,
            generation=order.generation,
            share=share,
            mix=page_mix(order.plan.pages, self._products, seed=order.plan.seed, worker=seat),
            clock=wall_clock(),
            start_s=time.perf_counter() + lead_s,
            spans=spans,
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
        gevent.spawn(self._settle, current)

    @staticmethod
    def _await_quiet(current: Round, limit_s: float) -> None:
        deadline_s = time.perf_counter() + limit_s
        while current.counter.in_flight and time.perf_counter() < deadline_s:
            gevent.sleep(_QUIET_POLL_S)

    def _settle(self, current: Round) -> None:
        """Deliver the last spans, those of requests that Locust cuts off now included."""
        self._await_quiet(current, _KILL_S)
        if current.spans:
            current.spans.sink.drain(_DRAIN_S)
            current.spans.sink.close()
        self._nudge.set()

    def _on_quitting(self, **_event: Any) -> None:
        if self._round and self._round.spans:
            self._round.stopping = True
            self._round.spans.sink.drain(_QUIT_DRAIN_S)

    def _learn_products(self) -> None:
        while not self._products:
            self._products = fetch_products(self._placement, _FETCH_TIMEOUT_S)
            gevent.sleep(_REPORT_S)

    def _report_for_ever(self) -> None:
        while True:
            self._stop_if_orphaned()
            self._runner.send_message(REPORT, {"report": encode(self._report())})
            self._nudge.wait(_REPORT_S)
            self._nudge.clear()

    def _report(self) -> WorkerReport:
        current, placement = self._round, self._placement
        if current is None:
            empty = WorkerTally(worker=placement.pod, zone=placement.zone, node=placement.node)
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
        return WorkerReport(generation=current.generation, idle=current.idle, tally=tally)

    def _cpu_percent(self) -> float:
        """CPU use of this process over the last second, 100 = one core; 0 where less time has passed."""
        before_s, before_cpu_s = self._cpu_mark
        now_s, now_cpu_s = time.perf_counter(), time.process_time()
        if now_s - before_s < _LEAST_CPU_S:
            return 0.0
        self._cpu_mark = now_s, now_cpu_s
        return 100 * (now_cpu_s - before_cpu_s) / (now_s - before_s)

    def _stop_if_orphaned(self) -> None:
        heard_s = self._runner.last_heartbeat_timestamp
        current = self._round
        if current and not current.stopping and heard_s and time.time() - heard_s > _ORPHAN_S:
            logger.error("the master is silent; no more requests are sent")
            current.stopping = True


def end_with(parent: int) -> None:
    """End this process when process *parent* is gone, so that a killed command leaves no swarm behind."""

    def watch() -> None:
        while os.getppid() == parent:
            gevent.sleep(_REPORT_S)
        logger.error("the process that started this one is gone; ending")
        os._exit(1)

    gevent.spawn(watch)
