"""Where a store's counts are not exact, or are of another time than was asked for, and by how much (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.source.interface import Flaw, FlawKind
from analysis.source.prometheus.differences import Stepped
from analysis.source.prometheus.stored_answers import About, Piece
from loadtest.record import Window

CLOCK_S: Final = 0.001
"""Times of scrapes are kept in milliseconds."""
AGAIN: Final = "measure again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was noticed while reading."""

    about: About
    figures: Mapping[Piece, float]
    odd: Sequence[Stepped]
    """Series that were added up one by one."""
    lacking: int
    """Odd series whose scrapes are not among the answers."""
    negative: int
    """Pairs whose count would be below 0."""
    broken: int
    """Counts that are no whole numbers."""
    shared: Sequence[str]
    """Names that stand in several namespaces."""
    warnings: Sequence[str]
    infos: Sequence[str]

    def figure(self, part: Piece) -> int:
        """A count; 0 where there was nothing to count."""
        return round(self.figures.get(part, 0.0))


def true_window(seen: Noticed) -> Window | None:
    """From the earliest to the latest of the scrapes that flank the window; None where nothing was
    scraped.
    """
    firsts = [at for part in (Piece.FIRST_MIN, Piece.OLDEST) if (at := seen.figures.get(part)) is not None]
    last_s = seen.figures.get(Piece.LAST_MAX)
    first_s = min(firsts) if firsts else seen.about.span.start_s
    if last_s is None:
        return None
    return Window(start_s=first_s, end_s=max(first_s, last_s))


def remarks(seen: Noticed) -> tuple[Flaw, ...]:
    """Everything that is to be said of the counts."""
    return tuple(
        flaw
        for part in (_said, _doubled, _window, _restarts, _gaps, _newcomers, _gone, _numbers, _names)
        for flaw in part(seen)
    )


def _said(seen: Noticed) -> Iterator[Flaw]:
    """What the engine warned of."""
    for text in dict.fromkeys(seen.warnings):
        yield Flaw(kind=FlawKind.PAGES, text=f"the store warns that its answer may not be whole: {text}")
    for text in dict.fromkeys(seen.infos):
        yield Flaw(kind=FlawKind.PAGES, text=f"the store remarks: {text}", is_slight=True)
    if seen.lacking:
        yield Flaw(
            kind=FlawKind.PAGES,
            text=f"{seen.lacking} series that restarted have no scrapes among the answers; collect again",
        )


def _doubled(seen: Noticed) -> Iterator[Flaw]:
    """Each job that scrapes a target has all of its counts."""
    if doubled := seen.figure(Piece.DOUBLED):
        text = (
            f"{doubled} targets are scraped by several jobs, so their counts are counted several times; "
            "choose "
            'one with a filter job="..." in a profile file of your own'
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text)


def _window(seen: Noticed) -> Iterator[Flaw]:
    """Scrapes flank the quiet time around the load, or they may count what is not the load's."""
    found, asked = true_window(seen), seen.about.window
    if found is None:
        return
    early_s, late_s = asked.start_s - found.start_s, found.end_s - asked.end_s
    if max(early_s, late_s) <= CLOCK_S:
        return
    parts = []
    if early_s > CLOCK_S:
        parts.append(f"from {early_s:.1f} s before it")
    if late_s > CLOCK_S:
        parts.append(f"to {late_s:.1f} s after it")
    text = (
        f"the scrapes that flank the window are of {found.length_s:.1f} s instead of {asked.length_s:.1f} s, "
        f"{' and '.join(parts)}"
    )
    if not seen.about.quiet_s:
        yield Flaw(kind=FlawKind.WINDOW, text=f"{text}: what was counted there is included", is_slight=True)
        return
    yield Flaw(
        kind=FlawKind.WINDOW,
        text=f"{text}: calls of the warm-up, or of others, may be counted; keep quiet for longer than "
        "Prometheus' scrape interval, or scrape more often, and measure again",
    )


def _restarts(seen: Noticed) -> Iterator[Flaw]:
    """What a process counted between its last scrape and its end is nowhere."""
    restarted = [one for one in seen.odd if one.resets]
    if restarted:
        resets, beside = sum(one.resets for one in restarted), sum(one.beside_resets for one in restarted)
        text = f"{len(restarted)} counters started again from 0 in the window, {resets} times in all; "
        if beside:
            text += (
                "what they counted between their last scrape and that is missing, about as much as in the "
                f"scrapes beside it ({beside:.0f}); {AGAIN} while nothing restarts"
            )
        else:
            text += "they counted nothing just before or after, so nothing is missing"
        yield Flaw(kind=FlawKind.COUNTS, text=text, is_slight=not beside)
    if hidden := seen.figure(Piece.HIDDEN):
        text = (
            f"{hidden} counters belong to processes that restarted, but show no drop: what they counted is "
            f"too little by what they had counted before; {AGAIN} while nothing restarts"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text)


def _gaps(seen: Noticed) -> Iterator[Flaw]:
    """Scrapes that are missing at the window's start."""
    start_s = seen.about.span.start_s
    late = [one for one in seen.odd if one.began_s is not None and not one.resets and one.ended_s is not None]
    if late:
        age_s = max(start_s - one.began_s for one in late if one.began_s is not None)
        more = sum(one.first_step for one in late)
        text = f"{len(late)} counters had not been scraped for up to {age_s:.0f} s before the window; " + (
            f"{more:.0f} of their counts may be from before it; {AGAIN}"
            if more
            else "nothing was counted in it"
        )
        yield Flaw(kind=FlawKind.WINDOW, text=text, is_slight=not more)
    if stale := seen.figure(Piece.STALE):
        text = (
            f"the last scrape before the window failed for {stale} counters; the one before it stands for it"
        )
        yield Flaw(kind=FlawKind.WINDOW, text=text, is_slight=True)


def _newcomers(seen: Noticed) -> Iterator[Flaw]:
    """Counters that appeared in the window together with their target."""
    count, first = seen.figure(Piece.NEWCOMERS), seen.figure(Piece.NEWCOMERS_COUNTED)
    older = seen.figure(Piece.OLDER_NEWCOMERS)
    if older:
        text = (
            f"processes that run since before the window were scraped for the first time in it: {older} of "
            f"the counts may be from before; wait until everything is scraped, and {AGAIN}"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text)
    if count and first > older:
        text = (
            f"{count} counters were first seen in the window, with {first} counts at that scrape, and "
            "nothing shows that their targets were scraped before; they are taken to have begun in it, at 0"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text, is_slight=True)


def _gone(seen: Noticed) -> Iterator[Flaw]:
    if ended := seen.figure(Piece.ENDED):
        text = (
            f"{ended} counters were not scraped any more at the window's end (their pods were deleted, or "
            "scrapes failed): what they counted after their last scrape is missing"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text, is_slight=True)


def _numbers(seen: Noticed) -> Iterator[Flaw]:
    if seen.negative:
        text = f"{seen.negative} pairs would have counted less than nothing: is the metric a counter? {AGAIN}"
        yield Flaw(kind=FlawKind.COUNTS, text=text)
    if seen.broken:
        text = (
            f"{seen.broken} counts are no whole numbers and were rounded: is the metric a counter, or does a "
            "rule average it?"
        )
        yield Flaw(kind=FlawKind.COUNTS, text=text, is_slight=True)
    if (multiplier := seen.about.profile.multiplier) > 1:
        text = (
            f"one of {multiplier} was counted (the profile's multiplier): every figure is {multiplier} times "
            "what the store holds, an estimate"
        )
        yield Flaw(kind=FlawKind.SAMPLE, text=text, is_slight=True)


def _names(seen: Noticed) -> Iterator[Flaw]:
    if seen.shared:
        shown = ", ".join(sorted(seen.shared)[:3])
        text = f"names that stand in several namespaces are told as NAME.NAMESPACE: {shown}"
        yield Flaw(kind=FlawKind.TOPOLOGY, text=text, is_slight=True)
