"""What every reader is told: how to read the numbers, and what they cannot tell."""

from collections.abc import Mapping

from analysis.model import ArmResult
from analysis.trial.values import Trial
from analysis.verdict.compared import Comparison

MANY_PODS = "There are too many pods to draw each one, so each box stands for all pods of a zone."
NO_PODS = "The source names {grain}s and no pods, so each box stands for all pods of a zone."
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
    "No clear change": "the interval of the difference contains zero.",
    "Random routing": (
        "the share that an even choice among the pods seen would give. Compare with it, not with zero."
    ),
}

JUDGED = {
    "Points": "a difference of two shares: from 30 % to 40 % are 10 points.",
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
    "Null pair": "two windows of one arm: the difference that measuring alone makes.",
    "Look": "a judgement while the trial runs. Intervals are wider, to allow for looking several times.",
    **{term: READING[term] for term in ("Same zone, cross zone", "[low, high]", "No clear change")},
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


def reading(*, judged: bool, arm: ArmResult | None = None) -> dict[str, str]:
    """How to read the terms of a report, with those of a verdict where there is one.

    What a call is depends on what counted the *arm*.
    """
    terms = READING | JUDGED if judged else READING
    return terms if arm is None else called(terms, arm.source, arm.unit, arm.grain)


def called(terms: Mapping[str, str], source: str, unit: str, grain: str) -> dict[str, str]:
    """The terms, where ``Call`` is what this source counts."""
    if (unit, grain) == ("requests", "pod"):
        return {
            name: text.replace("X-Ray", source) if name == "Call" else text for name, text in terms.items()
        }
    what = {
        "requests": f"Call: one request from a client {grain} to a server {grain}, counted by {source}.",
        "connections": (
            f"Connection: one TCP connection from a client {grain} to a server {grain}, counted by {source}. "
            "kube-proxy chooses a server once for each, so each is one random choice, however many requests "
            "it carried."
        ),
        "bytes": (
            f"Byte: of payload from a client {grain} to a server {grain}, counted by {source}. How many "
            "bytes one connection carries is no choice of kube-proxy's, so shares of bytes have no interval."
        ),
    }[unit]
    name, _, text = what.partition(": ")
    return {name: text} | {known: words for known, words in terms.items() if known != "Call"}


def limits(comparison: Comparison) -> tuple[str, ...]:
    """What the numbers cannot tell, most important first."""
    return (*_LAB_LIMITS, *_LIMITS) if comparison.platform == "lab" else _LIMITS


_TRIAL_LIMITS = tuple(text for text in _LIMITS if not text.startswith("Why."))


def trial_limits(trial: Trial) -> tuple[str, ...]:
    """The same for a trial, whose blocks rule drift out."""
    return (*_LAB_LIMITS, *_TRIAL_LIMITS) if trial.platform == "lab" else _TRIAL_LIMITS


OBSERVATION = {
    "Observed, not controlled": (
        "no load was sent and nothing was changed. What is shown is the traffic that was there; another "
        "hour has another."
    ),
    **{term: READING[term] for term in ("Call", "Same zone, cross zone", "Unknown", "[low, high]")},
    "Setting": (
        "whether a routing mode of the callee's Service would keep more of these calls in their zone: it "
        "can; each mode is refused or not in force for this caller; none keeps more than the present one; "
        "no setting of a Service has a part in where these calls go."
    ),
    "Predicted": (
        "what the controller's and kube-proxy's published rules make of the endpoints, nodes and callers as "
        "they are. It is no measurement: measure a mode before keeping it."
    ),
}
_OBSERVED_LIMITS = (
    "What causes a difference. Two observations differ by their traffic as well as by their routing.",
    (
        "Calls that are not traced. Where tracing is sampled, calls a second, bytes and money are those of "
        "the traced part."
    ),
    *(text for text in _LIMITS if text.startswith(("Another time", "The bill", "Old connections"))),
)


def observation_limits(*, is_lab: bool) -> tuple[str, ...]:
    """What an observation cannot tell."""
    return (*_LAB_LIMITS, *_OBSERVED_LIMITS) if is_lab else _OBSERVED_LIMITS
