"""Two arms -> a comparison; refuses arms that are not alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

from analysis.arm import pairs
from analysis.arm.inputs import ArmInputs
from analysis.arm.pairs import Pair
from analysis.arm.result import ArmFigures, AssumedBytes, arm_figures, arm_result, by_chance
from analysis.arm.views import callers, views
from analysis.model import ArmResult
from analysis.source.choice import counted_by
from analysis.statistics import shares, stats
from analysis.statistics.blocks import BlockResult
from analysis.statistics.chance import Chosen, chosen
from analysis.statistics.interval import Interval
from analysis.statistics.tournament import Contender, Duel, Standing, standing
from analysis.verdict import decision
from analysis.verdict.compared import Comparison, PairChange
from analysis.verdict.effects import effects, gain, unit_of, zones_moved
from analysis.verdict.guards import Margins
from analysis.verdict.judged import Decision, Effects, Null, Verdict
from analysis.verdict.listed import listed
from analysis.verdict.requirements import Requirement
from analysis.verdict.windows import Measured
from analysis.verdict.windows import measured as windows_of
from k8s.errors import UsageError
from k8s.topology import ServiceKey
from loadtest.record import Caveat, RunRecord
from loadtest.worker import plan


def unlike(baseline: RunRecord, candidate: RunRecord) -> tuple[str, ...]:
    """Why two runs cannot be compared: one clause each, empty when they are alike."""
    faults = [
        f"{one.name} ({one.left} against {one.right})"
        for one in plan.differences(baseline.asked.plan, candidate.asked.plan)
    ]
    for name, left, right in (
        ("Service", _names(baseline.asked.services), _names(candidate.asked.services)),
        ("client Service", str(baseline.asked.client), str(candidate.asked.client)),
        ("further clients", _names(baseline.asked.callers), _names(candidate.asked.callers)),
        ("traffic", baseline.asked.traffic.value, candidate.asked.traffic.value),
        ("platform", baseline.place.platform, candidate.place.platform),
        ("context", baseline.place.context, candidate.place.context),
        ("zones", ", ".join(baseline.place.zones), ", ".join(candidate.place.zones)),
        (
            "cross-zone delay",
            str(baseline.place.cross_zone_delay_s),
            str(candidate.place.cross_zone_delay_s),
        ),
        ("workers", _workers(baseline), _workers(candidate)),
        ("source", counted_by(baseline.counting), counted_by(candidate.counting)),
    ):
        if left != right:
            faults.append(f"{name} ({left} against {right})")
    return tuple(faults)


def _names(keys: Sequence[ServiceKey]) -> str:
    return ", ".join(map(str, keys))


def _workers(record: RunRecord) -> str:
    """How many workers each zone had, as text."""
    load = record.seen.measured
    zones = sorted(worker.zone for worker in load.workers if not worker.turn) if load else []
    return " ".join(f"{zone}:{zones.count(zone)}" for zone in dict.fromkeys(zones))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms arms are judged."""

    margins: Margins = field(default_factory=Margins)
    required: tuple[Requirement, ...] = ()


def compare(
    baseline: ArmInputs,
    candidate: ArmInputs,
    *,
    created_s: float,
    versions: Sequence[tuple[str, str]],
    assumed: AssumedBytes | None = None,
    null: ArmInputs | None = None,
    terms: Terms | None = None,
) -> Comparison:
    """Every number of the report; UsageError, naming what differs, for arms that are not alike.

    *null* is another run of the baseline's arm: without it there is no verdict but *invalid*.
    """
    _refuse_unlike(baseline, candidate)
    if null is not None:
        _refuse_unlike(null, baseline)
    assumed, terms = assumed or AssumedBytes(), terms or Terms()
    made = partial(_of_pair, created_s=created_s, versions=versions, assumed=assumed, terms=terms)
    who = callers(baseline)
    seen = [views(one, who) for one in (baseline, candidate, *(() if null is None else (null,)))]
    first, *further = zip(*seen, strict=True)
    found = made(first)
    others = tuple(_only(made(one)) for one in further)
    return replace(
        found,
        further=tuple(
            replace(one, baseline=listed(one.baseline), candidate=listed(one.candidate)) for one in others
        ),
        changes=tuple(_with_others(found.changes, others)),
        baseline=listed(_with_costs(found.baseline, [one.baseline for one in others])),
        candidate=listed(_with_costs(found.candidate, [one.candidate for one in others])),
    )


def _only(found: Comparison) -> Comparison:
    """What is of its pair alone: the rest is the run's, and stands once."""
    arms = [
        replace(arm, pairs=arm.pairs[:1], clients=(), dependencies=(), other=None)
        for arm in (found.baseline, found.candidate)
    ]
    changes = tuple(one for one in found.changes if (one.client, one.server) == found.focus)
    return replace(found, baseline=arms[0], candidate=arms[1], changes=changes)


def _with_others(found: Sequence[PairChange], others: Sequence[Comparison]) -> Iterator[PairChange]:
    """The changes; of a pair under test as its own comparison has it."""
    known = {(one.client, one.server): one for other in others for one in other.changes}
    for one in found:
        yield known.get((one.client, one.server), one)


def _with_costs(found: ArmResult, others: Sequence[ArmResult]) -> ArmResult:
    """The arm with what the other pairs under test cost, and their shares by their own unit of chance."""
    known = {(one.pairs[0].client, one.pairs[0].server): one.pairs[0] for one in others}
    return replace(
        found,
        costs=(*found.costs, *(cost for one in others for cost in one.costs)),
        pairs=tuple(known.get((one.client, one.server), one) for one in found.pairs),
    )


def _of_pair(
    runs: Sequence[ArmInputs],
    *,
    created_s: float,
    versions: Sequence[tuple[str, str]],
    assumed: AssumedBytes,
    terms: Terms,
) -> Comparison:
    """The comparison of a baseline, a candidate and perhaps a null run for the pair that they are about."""
    (baseline, candidate), nulls = runs[:2], runs[2:]
    seen = arm_figures(baseline, assumed=assumed), arm_figures(candidate, assumed=assumed)
    before, after = (one.result for one in seen)
    place = candidate.record.place
    windows = [
        *(windows_of(one, arm_result(one, assumed=assumed), label=f"null {one.record.arm}") for one in nulls),
        windows_of(baseline, before, label=f"baseline {baseline.record.arm}"),
        windows_of(candidate, after, label=f"candidate {candidate.record.arm}"),
    ]
    found, verdict = judged(windows, terms)
    own = {candidate.focus: Chosen(unit=found.unit, why=found.why_unit)}
    before, after, gains = _alike(*seen, own)
    return Comparison(
        created_s=created_s,
        platform=place.platform,
        context=place.context,
        zones=place.zones,
        service=str(candidate.record.asked.service),
        plan=candidate.record.asked.plan,
        focus=candidate.focus,
        baseline=before,
        candidate=after,
        changes=_changes(baseline, candidate, before, after, gains | {candidate.focus: found.share.interval}),
        versions=tuple(versions),
        caveats=_caveats(baseline.record, candidate.record),
        effects=found,
        verdict=verdict,
    )


def judged(windows: Sequence[Measured], terms: Terms) -> tuple[Effects, Verdict]:
    """Of a baseline and a candidate, perhaps after another window of the baseline's arm.

    One unit of chance for all of them: what one window shows of the clients holds for the others.
    """
    baseline, candidate = windows[-2:]
    chosen = unit_of(windows)
    found = effects([(baseline, candidate)], chosen=chosen)
    nulls = [(one, baseline) for one in windows[:-2]]
    verdict = decision.decide(
        found,
        gates=decision.gates_of(windows),
        null=decision.null_of(nulls, unit=chosen.unit) if nulls else None,
        margins=terms.margins,
        required=terms.required,
    )
    return found, verdict


def rank(found: Sequence[Comparison], runs: Sequence[ArmInputs]) -> Standing:
    """Several candidates of one baseline, and the baseline, against each other.

    *runs* are the baseline's and the candidates', in the comparisons' order. What a candidate gained over the
    baseline is what its comparison says; two candidates are held against each other by one unit of chance for
    all runs.

    UsageError where two of them have the same label, or not the same baseline.
    """
    if len({one.baseline.run_id for one in found}) != 1:
        raise UsageError("ranking runs: they have to be compared with the same baseline")
    results = [found[0].baseline, *(one.candidate for one in found)]
    verdicts = {one.candidate.arm: one.verdict for one in found}
    contenders = []
    for result in results:
        pair, judged = result.pairs[0], verdicts.get(result.arm)
        if pair.share is None:
            raise UsageError(f"ranking runs: {result.folder} has no call with known zones")
        cost = result.costs[0].usd_per_month if result.costs else None
        contenders.append(
            Contender(
                mode=result.arm,
                share=pair.share.estimate,
                skew=max((one.times_mean for one in pair.loads), default=None),
                usd_per_month=None if cost is None else cost.estimate,
                passes=judged is None or judged.decision is Decision.PASS,
            )
        )
    duels = [
        _duel(one.baseline.arm, one.candidate.arm, one.effects.share)
        for one in found
        if one.effects is not None
    ]
    windows = [
        windows_of(inputs, arm_result(inputs, assumed=AssumedBytes()), label=inputs.record.arm)
        for inputs in runs
    ]
    unit = unit_of(windows).unit
    for left, right in combinations(windows[1:], 2):
        gained = gain([(left, right)], unit, at_baseline=zones_moved([(left, right)]))
        duels.append(_duel(left.label, right.label, gained))
    return standing(contenders, duels)


def _duel(left: str, right: str, gained: BlockResult) -> Duel:
    return Duel(left=left, right=right, interval=gained.interval, p_value=gained.p_value)


def null_of_runs(left: ArmInputs, right: ArmInputs) -> Null:
    """What two runs of one arm say of the instrument."""
    _refuse_unlike(left, right)
    windows = [
        windows_of(inputs, arm_result(inputs, assumed=AssumedBytes()), label="null")
        for inputs in (left, right)
    ]
    return decision.null_of([(windows[0], windows[1])])


def further_nulls(left: ArmInputs, right: ArmInputs) -> Iterator[tuple[Pair, Null]]:
    """The same for each further pair under test."""
    who = callers(left)
    for one, other in zip(views(left, who)[1:], views(right, who)[1:], strict=True):
        yield one.focus, null_of_runs(one, other)


def _refuse_unlike(baseline: ArmInputs, candidate: ArmInputs) -> None:
    faults = list(unlike(baseline.record, candidate.record))
    for name, left, right in (
        ("who counted", baseline.counts.title, candidate.counts.title),
        ("what was counted", baseline.counts.unit.value, candidate.counts.unit.value),
        ("what is named", baseline.counts.grain.value, candidate.counts.grain.value),
    ):
        if left != right:
            faults.append(f"{name} ({left} against {right})")
    if faults:
        raise UsageError(
            f"comparing {baseline.folder} with {candidate.folder}: the runs differ in {'; '.join(faults)}; "
            "measure both under the same load"
        )


def _alike(
    before: ArmFigures, after: ArmFigures, own: Mapping[Pair, Chosen]
) -> tuple[ArmResult, ArmResult, dict[Pair, Interval]]:
    """Both arms with every pair's interval by one unit, and the gains by it; *own* are known already."""
    gains: dict[Pair, Interval] = {}
    arms = before.chances, after.chances
    both = arms[0].keys() & arms[1].keys()
    units = {pair: own.get(pair) or chosen([arm[pair] for arm in arms]) for pair in both}
    for pair, one in units.items():
        left, right = (arm[pair].share(one.unit) for arm in arms)
        gains[pair] = shares.difference(left, right).interval
    made = [
        replace(
            result,
            pairs=tuple(
                by_chance(pair, arm.get((pair.client, pair.server)), units.get((pair.client, pair.server)))
                for pair in result.pairs
            ),
        )
        for result, arm in zip((before.result, after.result), arms, strict=True)
    ]
    return made[0], made[1], gains


def _changes(
    baseline: ArmInputs,
    candidate: ArmInputs,
    before: ArmResult,
    after: ArmResult,
    gains: Mapping[Pair, Interval],
) -> tuple[PairChange, ...]:
    """One change for every pair that both arms saw."""
    olds = {(pair.client, pair.server) for pair in before.pairs}
    means = [
        {pair: pairs.mean_of(calls) for pair, calls in inputs.by_pair.items()}
        for inputs in (baseline, candidate)
    ]
    changes = []
    for new in after.pairs:
        key = (new.client, new.server)
        if key not in olds:
            continue
        share = gains.get(key)
        changes.append(
            PairChange(
                client=new.client,
                server=new.server,
                share=share,
                changed=share is not None and not share.low <= 0 <= share.high,
                usd_per_month=_usd(before, after, key),
                mean_s=stats.difference_of_means(means[0].get(key), means[1].get(key)),
            )
        )
    return tuple(changes)


def _usd(before: ArmResult, after: ArmResult, key: Pair) -> Interval | None:
    old, new = (
        next((cost.usd_per_month for cost in arm.costs if (cost.client, cost.server) == key), None)
        for arm in (before, after)
    )
    change = stats.difference_of_means(old, new)
    return None if change is None else replace(change, method="difference of two independent estimates")


def _caveats(baseline: RunRecord, candidate: RunRecord) -> tuple[Caveat, ...]:
    found = []
    if baseline.place.version != candidate.place.version:
        text = f"The API server was {baseline.place.version} before and {candidate.place.version} after."
        found.append(Caveat(code="version-changed", text=text))
    gap_s = candidate.created_s - baseline.created_s
    if gap_s > 24 * 3600:
        text = f"The runs are {gap_s / 3600:.0f} h apart; the place may have changed in between."
        found.append(Caveat(code="far-apart", text=text))
    return tuple(found)
