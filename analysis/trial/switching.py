"""Windows of a trial that the arm before reaches into: cut, or told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.statistics import carry_over
from analysis.statistics.carry_over import CarryOver
from analysis.statistics.clusters import Unit
from analysis.verdict.effects import Block
from analysis.verdict.judged import Gate, GateName
from analysis.verdict.windows import Measured
from loadtest.record import Caveat


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Switched:
    """A contest's blocks, fit for comparison as far as they can be."""

    blocks: tuple[Block, ...]
    """Without the first part of each window, where that had to go; shares are then the sample's own."""
    gates: tuple[Gate, ...]
    """One an arm whose calls carry their time."""
    caveats: tuple[Caveat, ...]


def switched(blocks: Sequence[Block], unit: Unit) -> Switched:
    """Check both arms for carry-over, and cut all windows further in where that helps."""
    arms = [[left for left, _ in blocks], [right for _, right in blocks]]
    checks = [carry_over.settled([one.timed for one in arm], unit) for arm in arms]
    gates = [_gate(arm, one) for arm, one in zip(arms, checks, strict=True) if one is not None]
    cut = max((one.cut for one in checks if one is not None), default=0.0)
    if not cut or not all(gate.passed for gate in gates):
        return Switched(blocks=tuple(blocks), gates=tuple(gates), caveats=())
    text = (
        f"The first calls of the windows still followed the arm before, so the first {cut:.0%} of each "
        "window is left out; shares are then those of the sampled calls."
    )
    return Switched(
        blocks=tuple((_cut(left, cut), _cut(right, cut)) for left, right in blocks),
        gates=tuple(gates),
        caveats=(Caveat(code="carry-over", text=text),),
    )


def _cut(window: Measured, cut: float) -> Measured:
    found = carry_over.after(window.timed, cut, affinity=window.chance.affinity)
    return window if found is None else replace(window, chance=found)


def _gate(arm: Sequence[Measured], found: CarryOver) -> Gate:
    seconds = arm[0].seconds
    seen = f"{found.first:.1%} of the first and {found.later:.1%} of the later calls stayed in their zone"
    return Gate(
        name=GateName.CARRY_OVER,
        passed=found.agrees,
        seen=f"{seen}, the first {found.cut:.0%} left out" if found.cut else seen,
        bound=f"no difference (p >= {carry_over.ALARM:g}); {seconds:.0f} s more of warm-up",
        where=arm[0].mode,
    )
