"""What has to be said above the numbers of the Zones tab: one sentence for each thing that is wrong (pure).

The numbers stay on the screen whatever happens, so whoever looks has to be told when they are old, when they
say nothing, and when somebody else changes what they are of.
"""

from typing import Final

from loadtest.worker.live_view import CallsNow, LiveView
from loadtest.worker.messages import SwarmView

SLACK_S: Final = 10.0
"""A busy machine, a slow answer: so much more than usual is not worth a word."""
TOLD_S: Final = 300.0
"""For so long a change of the mode by somebody else is told: as far back as the chart shows."""
NOBODY: Final = (
    "Live numbers come from samezone web, which is not running here: samezone web --platform cluster shows "
    "this page with them."
)


def behind_s(live: LiveView, *, now_s: float) -> float | None:
    """How old the newest numbers are, by the clock of their sender; None where there are none."""
    return max(0.0, now_s - live.slices[-1].end_s) if live.slices else None


def stale_s(live: LiveView, *, now_s: float) -> float | None:
    """The same where it is more than usual; None where all is well, or there are none."""
    found_s = behind_s(live, now_s=now_s)
    return found_s if found_s is not None and found_s > live.usual_s + SLACK_S else None


def of_load(view: SwarmView) -> list[str]:
    """What is wrong with the load, a sentence each."""
    found = [view.problem] if view.problem else []
    if view.lost:
        found.append(f"Lost and not replaced yet: {', '.join(view.lost)}.")
    if not view.workers:
        found.append("No load generator is connected, so nothing can be sent from here.")
    found += [
        f"{one.worker} was lost for {one.back_s - one.lost_s:.1f} s; {one.missing} requests are missing in "
        f"{one.zone}."
        for one in view.losses
        if one.back_s
    ]
    return found


def of_live(live: LiveView | None, *, is_away: bool, age_s: float, now_s: float) -> list[str]:
    """What is wrong with the numbers, a sentence each."""
    if live is None:
        return [NOBODY]
    found = list(live.problems)
    found_s, old_s = behind_s(live, now_s=now_s), stale_s(live, now_s=now_s)
    if is_away:
        of_numbers = (
            "there are no numbers" if found_s is None else f"the numbers below are {found_s:.0f} s old"
        )
        found.append(
            f"samezone web was last heard of {age_s:.0f} s ago: {of_numbers}, and nobody can change the mode "
            "from here."
        )
    elif old_s is not None:
        found.append(f"The numbers below are {old_s:.0f} s old; {live.usual_s:.0f} s at most are usual.")
    found += _of_coverage(live.now, live.unit)
    found += _of_mode(live, now_s=now_s)
    found += [
        f"Hot endpoint: {one.pod} ({one.zone or 'zone unknown'}) gets {one.times_mean:.2f} times the mean."
        for one in live.now.endpoints
        if one.is_hot
    ]
    return found


def _of_coverage(now: CallsNow, unit: str) -> list[str]:
    """Where nothing is known of any call there is no share: an unknown call is in no zone."""
    if not now.unknown or now.same + now.cross:
        return []
    why = f": {now.reasons[0]}" if now.reasons else ""
    return [f"Of none of the newest {now.unknown} {unit} both zones are known, so there is no share{why}."]


def _of_mode(live: LiveView, *, now_s: float) -> list[str]:
    last = live.marks[-1] if live.marks else None
    if last is None or not last.is_elsewhere or now_s - last.at_s > TOLD_S:
        return []
    ago_s = max(0.0, now_s - last.at_s)
    return [f"Somebody else changed the mode {ago_s:.0f} s ago, from {last.before} to {last.mode}."]
