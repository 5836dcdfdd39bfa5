"""What every reader is told: how to read the numbers, and what they cannot tell."""

from analysis.trial.values import Trial
from analysis.verdict.compared import Comparison

MANY_PODS = "There are too many pods to draw each one, so each box stands for all pods of a zone."
IN_THE_LAB = "Measured in the lab: real requests and traces, emulated zones on one machine."
SHORT_NAMES = "Names are cut to what tells them apart; the full ones are in the tables."

READING = {
    "Call": "one request from a client pod to a server pod, counted by X-Ray from the caller's own record.",
    "Same zone, cross zone": (
        "whether the two pods ran in one zone at that time. Zones are physical: those of the nodes the pods "
        "ran on, never those of the routing hints."
    ),
    "Unknown": (
        "a call with an end whose zone could not be found. It is never dropped and never counted as "
        "same-zone: coverage and the range it allows stand beside every share."
    ),
    "[low, high]": (
        "the interval of the estimate before it. kube-proxy chooses a server once for a connection, so "
        "connections, not requests, are what the interval of a share counts."
    ),
    "~": "no significant change: the interval of the difference contains zero.",
    "Random routing": (
        "the share that an even choice among the pods seen would give. Compare with it, not with zero."
    ),
}

JUDGED = {
    "Pass, fail": (
        "every guard and requirement holds, or one is missed; judged by the ends of its interval, never by "
        "the estimate alone."
    ),
    "Inconclusive": "an interval reaches to both sides of its limit. More data will decide it.",
    "Invalid": (
        "a gate failed, or two equal arms were not measured, or they differ. Then no figure decides anything."
    ),
    "Guard": "what must not get worse by more than its limit for the change to be called an improvement.",
    "Gate": "what has to hold for a measured window to be evidence at all.",
    "Design effect": (
        "how many calls count as one independent choice: calls of one connection all go to one endpoint."
    ),
}

TRIAL = {
    "Window": "one arm, measured once under the planned load.",
    "Block": "every arm measured once, shortly after one another; the order changes from block to block.",
    "Null pair": "two windows of one arm: the difference that measuring alone produces.",
    "Look": "a judgement while the trial runs. Intervals are wider, to allow for looking several times.",
    **{term: READING[term] for term in ("Same zone, cross zone", "[low, high]", "~")},
    **JUDGED,
}

_LIMITS = (
    (
        "Another time, load or placement. The result holds for these pods in these zones under this load; a "
        "rescheduled pod, a scaled Deployment or a lost node can change it, and can make the controller "
        "withdraw its hints."
    ),
    (
        "The bill. Cost is worked out from calls, bytes a call and a list price. It leaves out discounts, "
        "retransmissions, headers below TCP, load balancers, NAT gateways, databases and every Service that "
        "is not in the tables."
    ),
    (
        "Why. Two arms were measured one after the other. The change of routing is the likely cause of a "
        "difference, but an interval does not rule out that something else changed in between."
    ),
    (
        "Old connections. With connection pools a choice made before the change stays until the connection "
        "closes."
    ),
    "What a zone failure does. No zone was taken away.",
)
_LAB_LIMITS = (
    (
        "A real network. This was measured in the lab: requests, connections and traces are real, zones are "
        "emulated on one machine, and the extra time of a crossing is a setting. Shares carry over to a "
        "cluster with the same pods and hints; milliseconds do not."
    ),
)


def reading(*, judged: bool) -> dict[str, str]:
    """How to read the terms of a report, with those of a verdict where there is one."""
    return READING | JUDGED if judged else READING


def limits(comparison: Comparison) -> tuple[str, ...]:
    """What the numbers cannot tell, most important first."""
    return (*_LAB_LIMITS, *_LIMITS) if comparison.platform == "lab" else _LIMITS


_TRIAL_LIMITS = tuple(text for text in _LIMITS if not text.startswith("Why."))


def trial_limits(trial: Trial) -> tuple[str, ...]:
    """The same for a trial, whose blocks rule drift out."""
    return (*_LAB_LIMITS, *_TRIAL_LIMITS) if trial.platform == "lab" else _TRIAL_LIMITS
