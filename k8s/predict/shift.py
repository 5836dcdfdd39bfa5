"""What a zonal shift does to a Service under each mode, in a sentence (pure).

In an EKS zonal shift (ARC) a zone's endpoints leave the slices while its nodes stay Ready and are only
cordoned. The controller's CPU ratios do not look at cordons, so under ``topology-mode: Auto`` it goes on
giving endpoints to the zone that nobody calls from, and those of the others carry more.
"""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from k8s.model import figures
from k8s.predict.prediction import Prediction
from k8s.routing.allocation import CpuRatios, allocate
from k8s.routing.transfers import first, plan_moves
from k8s.topology import Zone

OVERLOADED = Fraction(6, 5)
"""More than 20 % above the mean is what the controller itself calls overload."""


def shift_advice(zone: Zone, auto: Prediction, own_zone: Prediction) -> str | None:
    """What to do before a shift away from *zone*, by what Auto and the field would do; None for nothing."""
    alternative = ""
    if own_zone.load is not None and own_zone.share is not None:
        alternative = (
            f"; {own_zone.mode.value} stays at {float(own_zone.load[1]):.2f}x and "
            f"{figures.percent(own_zone.share[0])} in the zone: set it before the shift"
        )
    if auto.refusal is not None:
        return f"shift away from {zone}: Auto would lose its hints ({auto.message}){alternative}"
    if auto.load is None or auto.load[1] <= OVERLOADED:
        return None
    return (
        f"shift away from {zone}: under Auto the busiest endpoint would carry {float(auto.load[1]):.2f}x the "
        f"mean, because the controller goes on counting the zone's nodes{alternative}"
    )


def busiest_after_shift(
    cpu: CpuRatios, pods: Mapping[Zone, int], weights: Mapping[Zone, float], zone: Zone
) -> float | None:
    """Load of the busiest endpoint under Auto once *zone* is shifted away from, as a multiple of the mean.

    *pods* are the ready endpoints by zone before the shift, *weights* the clients' shares by zone. By counts
    only, so that a survey can ask it of every Service. None where hints would be lost.
    """
    have = {at: count for at, count in pods.items() if at != zone and count}
    total = sum(have.values())
    allocation = allocate(cpu, total)
    calling = {at: weight for at, weight in weights.items() if at != zone and weight}
    everybody = sum(calling.values())
    if allocation.refusal is not None or not everybody:
        return None
    moves = plan_moves(allocation, have, first)
    hinted = Counter(have)
    hinted.subtract(dict(moves.give))
    hinted.update(dict(moves.receive))
    without = sum(weight for at, weight in calling.items() if hinted[at] <= 0) / everybody / total
    loads = [calling.get(at, 0.0) / everybody / count + without for at, count in hinted.items() if count > 0]
    return max(loads) * total
