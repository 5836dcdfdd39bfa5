"""What is one random choice of an endpoint: the connection, or the client pod, chosen by evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.statistics import client_pods, sampled_connections
from analysis.statistics.client_pods import STICKY, Agreement
from analysis.statistics.clusters import ArmShare, Unit
from analysis.statistics.pair_table import PairTable, SampledPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A window's counts, by either unit, and the evidence for one of them."""

    by_connection: ArmShare
    by_client_pod: ArmShare
    design_effect: float
    """Estimated calls of a connection, weighted by calls; what intervals use is never smaller."""
    agreement: Agreement
    affinity: bool
    """The Service has ``sessionAffinity: ClientIP``."""

    def share(self, unit: Unit) -> ArmShare:
        """The arm's share by *unit*; connections that cannot be told apart stay pod pairs."""
        return self.by_client_pod if unit is Unit.CLIENT_POD else self.by_connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The unit of a comparison."""

    unit: Unit
    why: str
    """One sentence."""


def chance(pairs: Sequence[SampledPair], *, affinity: bool = False, names_pods: bool = True) -> Chance | None:
    """Everything about one window; None without a call. UsageError as for ``sampled_arm``.

    *names_pods*: the clients of *pairs* are pods, not workloads.
    """
    table = PairTable.of(pairs)
    found = sampled_connections.sampled_arm(table)
    if found is None:
        return None
    return Chance(
        by_connection=found.arm,
        by_client_pod=client_pods.by_client_pod(table, found.arm, names_pods=names_pods),
        design_effect=found.design_effect,
        agreement=client_pods.agreement(table),
        affinity=affinity,
    )


def chosen(windows: Sequence[Chance]) -> Chosen:
    """One unit for all windows of a comparison: the client pod as soon as one of them gives a reason."""
    if any(one.affinity for one in windows):
        why = "One random choice is a client pod: the Service has sessionAffinity ClientIP."
        return Chosen(unit=Unit.CLIENT_POD, why=why)
    seen = client_pods.together([one.agreement for one in windows])
    if seen.p_value < STICKY:
        why = (
            "One random choice is a client pod: its connections agree on an endpoint "
            f"{seen.times:.1f} times as much as independent ones would (p < {STICKY:g})."
        )
        return Chosen(unit=Unit.CLIENT_POD, why=why)
    if any(one.by_connection.unit is Unit.PAIR for one in windows):
        why = "One random choice is a pod pair: connections could not be told apart."
        return Chosen(unit=Unit.PAIR, why=why)
    if not seen.freedom:
        why = (
            "One random choice is a connection; no zone has two clients whose connections could be compared."
        )
        return Chosen(unit=Unit.CONNECTION, why=why)
    why = (
        "One random choice is a connection: those of one client pod agree no more than chance "
        f"(p = {seen.p_value:.2g})."
    )
    return Chosen(unit=Unit.CONNECTION, why=why)
