"""What to know before believing a number: warnings as values, for the footnotes of the report."""

from collections import Counter

from analysis.model import Loss, TruthCheck
from analysis.source.interface import Counts, CountUnit
from k8s.topology import ServiceKey
from loadtest import truthfile
from loadtest.record import Caveat, LoadSeen, RunRecord, RunStatus
from loadtest.truthfile import TruthFile
from loadtest.worker import latency
from loadtest.worker.tally import WorkerLoss

LOSS_TOLERANCE = 0.001
"""Relative difference of two counts of the same thing above which a caveat is due."""
SATURATED_CPU_PERCENT = 90.0
"""Locust's own threshold: above it a worker's latencies are fiction."""
LAG_TOLERANCE_MS = 10.0
RATE_TOLERANCE = 0.05
MOST_ERRORS = 3
"""Kinds of failures that are named."""


def of_run(record: RunRecord, load: LoadSeen) -> tuple[Caveat, ...]:
    """Whether the load was what was asked for."""
    found: list[tuple[str, str]] = []
    if record.status is not RunStatus.COMPLETE:
        ended = "cut off" if record.status is RunStatus.RUNNING else record.status.value
        text = (
            f"The run was {ended} after {load.seconds:.0f} of {record.asked.plan.duration_s:.0f} s of load; "
            "its counts are those of the window that it has."
        )
        found.append(("not-complete", text))
    if dropped := sum(worker.spans_dropped for worker in load.workers):
        found.append(("spans-dropped", f"The load generators gave up {dropped} spans."))
    if again := sum(worker.spans_again for worker in load.workers):
        text = (
            f"The load generators posted {again} spans again, as nobody said whether they had arrived; what "
            "arrived twice is recognised and counted once."
        )
        found.append(("spans-again", text))
    if untraced := sum(worker.untraced for worker in load.workers):
        text = (
            f"The locustfile's users did {untraced} things besides their requests to the target: requests to "
            "other hosts, or by clients that carry no trace header. They are in no figure here."
        )
        found.append(("untraced", text))
    if load.failures:
        found.append(("failures", f"{load.failures} of {load.requests} requests failed{_errors(load)}."))
    hottest = max((worker.cpu_percent_max for worker in load.workers), default=0.0)
    if hottest > SATURATED_CPU_PERCENT:
        text = f"A load generator used {hottest:.0f} % of a core; its latencies are not to be trusted."
        found.append(("saturated", text))
    lag_ms = latency.merge(worker.lateness for worker in load.workers).quantile_ms(0.99)
    if lag_ms is not None and lag_ms > LAG_TOLERANCE_MS:
        text = f"One request in a hundred started {lag_ms:.1f} ms or more late: the generator lagged."
        found.append(("late", text))
    found += [("worker-lost", _loss(one)) for one in load.losses]
    asked_per_s = record.asked.due_per_s(load)
    if asked_per_s is not None and abs(load.rate_per_s - asked_per_s) > RATE_TOLERANCE * asked_per_s:
        found.append(("rate", f"Asked for {asked_per_s:g} requests/s, achieved {load.rate_per_s:.1f}."))
    return _caveats(found)


def _errors(load: LoadSeen) -> str:
    """What the most frequent failures were, with their counts; empty where no worker told."""
    counts: Counter[str] = Counter()
    for worker in load.workers:
        counts.update(dict(worker.errors))
    if not counts:
        return ""
    return ": " + ", ".join(f"{what} ({count})" for what, count in counts.most_common(MOST_ERRORS))


def _loss(one: WorkerLoss) -> str:
    gap = f"for {one.back_s - one.lost_s:.1f} s" if one.back_s else "until the window's end"
    by = ""
    if one.replaced_by:
        by = (
            ", until a new process took over"
            if one.replaced_by == one.worker
            else f", until {one.replaced_by}"
        )
    untold = (
        f"; at most {one.untold} requests were sent or traced that it did not tell of" if one.untold else ""
    )
    return (
        f"Load generator {one.worker} of {one.zone} was lost {gap}{by}: {one.missing} requests are missing"
        f"{untold}."
    )


def of_counts(counts: Counts, loss: Loss, *, stable: bool, is_sampled: bool = False) -> tuple[Caveat, ...]:
    """Whether what the source says is final and whole; *is_sampled*: requests are missing on purpose."""
    found: list[tuple[str, str]] = []
    if not stable:
        text = f"The counts of {counts.title} were still changing when collecting gave up waiting."
        found.append(("not-stable", text))
    if not loss.is_reconcilable:
        text = (
            f"Nothing that the load generator counted can be held against the {counts.unit.value} of "
            f"{counts.title}: they are taken for whole as they stayed the same."
        )
        found.append(("not-reconcilable", text))
    elif loss.graph_requests != loss.generator_requests and not is_sampled:
        text = (
            f"{counts.title} shows {loss.graph_requests} of the generator's {loss.generator_requests} "
            f"{counts.unit.value}."
        )
        found.append(("requests-differ", text))
    if loss.lost_callees or loss.orphans:
        text = (
            f"{loss.lost_callees} calls have no callee segment and {loss.orphans} requests no caller's "
            "document; between the pair under study they count as unknown."
        )
        found.append(("documents-lost", text))
    if loss.calls_share > LOSS_TOLERANCE or loss.requests_share > LOSS_TOLERANCE:
        text = (
            f"About {100 * loss.calls_share:.1f} % of the calls of the pair under study are lost, and "
            f"{100 * loss.requests_share:.1f} % of the requests. A batch that is lost mixes callers and "
            "callees, so many of them leave no mark: this is estimated from the generator's count as well."
        )
        found.append(("calls-lost", text))
    if loss.repeated:
        text = (
            f"{counts.title} holds {loss.repeated} requests twice: a generator that got no answer, or a "
            "collector, delivered them again. Each is counted once."
        )
        found.append(("delivered-twice", text))
    if loss.unattributed:
        text = f"{counts.title} dropped or could not pair {loss.unattributed} {counts.unit.value}."
        found.append(("unattributed", text))
    return _caveats(found)


def of_basis(counts: Counts, *, is_run: bool = True) -> tuple[Caveat, ...]:
    """What a reader has to know of counts that are not requests between pods; *is_run*: of one run."""
    found: list[tuple[str, str]] = []
    if counts.members_only and is_run:
        text = (
            f"{counts.title} counts everybody's {counts.unit.value} alike: what others did in the window is "
            "in the figures, beside the run's own."
        )
        found.append(("everybodys-traffic", text))
    if not counts.basis.names_pods:
        text = (
            f"{counts.title} names {counts.grain.value}s, not pods: zones are those that it states itself, "
            "and how the load spread over endpoints is not known."
        )
        found.append(("no-pods", text))
    if counts.unit is CountUnit.CONNECTIONS:
        text = (
            f"{counts.title} counts connections: of the calls on them neither number, times nor failures are "
            "known; each connection is one random choice of an endpoint."
        )
        found.append(("connections-counted", text))
    if counts.unit is CountUnit.BYTES:
        text = (
            f"{counts.title} counts bytes: one connection may carry any number of them, so a share of bytes "
            "has no interval, and no verdict can rest on it."
        )
        found.append(("bytes-counted", text))
    return _caveats(found)


def of_truth(
    truth: TruthFile | None,
    check: TruthCheck | None,
    service: ServiceKey,
    *,
    title: str,
    pair: str = "pod pair",
) -> tuple[Caveat, ...]:
    """Whether connections were counted, and agree with the calls."""
    found: list[tuple[str, str]] = []
    if truth is not None and not truth.connection_per_call:
        text = "Clients keep their connections, so intervals count connections, not calls."
        found.append(("keep-alive", text))
        if older := truthfile.only_older([row for row in truth.rows if row.service == service]):
            text = (
                f"{older} pod pairs used connections opened before the window: kube-proxy chose their "
                "endpoint then, whatever the hints are now. Restart the clients to have them choose again."
            )
            found.append(("old-connections", text))
    if check is not None and check.outside:
        text = (
            f"For {check.outside} of {check.pairs} pod pairs the relays' count is outside the interval of "
            "the sampled traces."
        )
        found.append(("truth", text))
    elif check is not None and check.outside is None and check.worst_relative_error > LOSS_TOLERANCE:
        text = (
            f"{title} and the relays differ by up to {100 * check.worst_relative_error:.2f} % for a {pair}."
        )
        found.append(("truth", text))
    return _caveats(found)


def _caveats(found: list[tuple[str, str]]) -> tuple[Caveat, ...]:
    return tuple(Caveat(code=code, text=text) for code, text in found)
