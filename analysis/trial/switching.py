"""Windows of a trial that the arm before reaches into: cut, or told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.statistics import blocks, carry_over
from analysis.statistics.carry_over import CarryOver
from analysis.statistics.clusters import Unit
from analysis.verdict.effects import Block
from analysis.verdict.judged import Gate, GateName
from analysis.verdict.windows import Measured
from k8s.model import figures
from loadtest.record import Caveat


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Switched:
    """A contest's blocks, fit for comparison as far as they can be."""

    blocks: tuple[Block, ...]
    """Without the first part of each window, where that had to go; shares are then the sample's own."""
    gates: tuple[Gate, ...]
    """One an arm whose calls carry their time."""
    caveats: tuple[Caveat, ...]


def switched(pairs: Sequence[Block], unit: Unit) -> Switched:
    """Check both arms for carry-over, and cut all windows further in where that helps."""
    arms = [[left for left, _ in pairs], [right for _, right in pairs]]
    checks = [carry_over.settled([one.timed for one in arm], unit) for arm in arms]
    gates = [_gate(arm, one) for arm, one in zip(arms, checks, strict=True) if one is not None]
    cut = max((one.cut for one in checks if one is not None), default=0.0)
    if not cut or not all(gate.passed for gate in gates):
        return Switched(blocks=tuple(pairs), gates=tuple(gates), caveats=())
    text = (
        f"The first calls of the windows still followed the arm before, so the first {100 * cut:.0f} % of "
        "each window is left out; shares are then those of the sampled calls."
    )
    return Switched(
        blocks=tuple((_cut(left, cut), _cut(right, cut)) for left, right in pairs),
        gates=tuple(gates),
        caveats=(Caveat(code="carry-over", text=text),),
    )


def _cut(window: Measured, cut: float) -> Measured:
    found = carry_over.after(window.timed, cut, affinity=window.chance.affinity)
    return window if found is None else replace(window, chance=found)


def _gate(arm: Sequence[Measured], found: CarryOver) -> Gate:
    first, later = figures.percent(found.first), figures.percent(found.later)
    seen = f"{first} of the first and {later} of the later calls stayed in their zone"
    return Gate(
        name=GateName.CARRY_OVER,
        passed=found.agrees,
        seen=f"{seen}, the first {100 * found.cut:.0f} % left out" if found.cut else seen,
        bound=_bound(found),
        where=arm[0].mode,
        more_s=None if found.agrees else arm[0].seconds,
    )


def _bound(found: CarryOver) -> str:
    """The test that was made: of a difference, and after a cut of there being none."""
    if found.cut:
        return f"shown to be within {blocks.NULL_MARGIN * 100:g} points of each other"
    return f"no difference beyond chance (p at least {carry_over.ALARM:g})"
