"""An observation's first screen in words: what crosses zones, what it costs, and what can be done."""

from collections.abc import Iterator, Sequence

from analysis.observe import repeating
from analysis.observe.observed import Lever, Observation, ObservedPair
from analysis.report import counted, names, units
from analysis.report.first_screen import Answer, Fact, Figure
from analysis.report.notes import Footnote
from analysis.report.tables import Tone

EVERYTHING = "every namespace"
WHOLE = "the observation"


def answer(found: Observation) -> Answer:
    """The first screen of *found*."""
    return Answer(headline=headline(found), figures=tuple(_figures(found)), facts=tuple(_facts(found)))


def headline(found: Observation) -> str:
    """The answer in one sentence; it says first that nothing was controlled."""
    same, cross, _ = found.counted()
    noun = counted.many(found.unit)
    if not same + cross:
        return (
            f"Observed, not controlled: {units.count(found.calls)} {noun} between services, of which no zone "
            "is known."
        )
    share = units.percent(cross / (same + cross))
    sentence = (
        f"Observed, not controlled: {share} of {units.count(same + cross)} {noun} between services crossed "
        f"zones, {units.usd(found.usd_month())} a month at this rate"
    )
    if found.usd_month() <= 0:
        return f"{sentence}."
    if all(one.outlook.lever is Lever.NOT_KNOWN for one in found.pairs):
        return f"{sentence}; what a Service setting would change is not known."
    if found.usd_month(Lever.CAN) <= 0:
        return f"{sentence}; no Service setting would change that."
    return f"{sentence}; a Service setting can change {units.usd(found.usd_month(Lever.CAN))} of it."


def title(pair: ObservedPair) -> str:
    """Who calls whom."""
    return names.pair(pair.result.client, pair.result.server)


def scope(found: Observation) -> str:
    """What was looked at, in words."""
    asked = [
        *(f"namespace {one}" for one in found.scope.namespaces),
        *(f"Service {one}" for one in found.scope.services),
    ]
    return ", ".join(asked) or EVERYTHING


def _figures(found: Observation) -> Iterator[Figure]:
    same, cross, unknown = found.counted()
    known, noun = same + cross, counted.many(found.unit)
    yield Figure(
        title=f"{noun.capitalize()} that crossed zones",
        value=units.percent(cross / known) if known else units.NOTHING,
        detail=f"{units.count(cross)} of {units.count(known)} with both zones known",
        tone=Tone.STRONG,
    )
    yield Figure(
        title="Coverage",
        value=units.percent(known / found.calls) if found.calls else units.NOTHING,
        detail=f"{units.count(unknown)} of {units.count(found.calls)} {noun} are in no zone",
    )
    yield Figure(
        title="Cost of crossing zones, a month at this rate",
        value=units.usd(found.usd_month()),
        detail="both directions, 30 days; see the notes for what it is made of",
        tone=Tone.STRONG,
    )
    yield Figure(
        title="Of it, a Service setting can change",
        value=units.usd(found.usd_month(Lever.CAN)),
        detail=f"{_pairs(_of(found, Lever.CAN))} of {_pairs(found.pairs)}",
        tone=Tone.STRONG,
    )


def _facts(found: Observation) -> Iterator[Fact]:
    yield Fact(
        label="Looked at",
        text=f"{scope(found)}, {units.window(found.window)}; no load was sent and nothing was changed.",
    )
    can = _of(found, Lever.CAN)
    if can:
        first = can[0]
        yield Fact(label="Look first at", text=f"{title(first)}: {first.outlook.why}")
        if command := repeating.measuring(found, first):
            yield Fact(label="To measure it", text=command)
    for lever, label in (
        (Lever.REFUSED, "Refused"),
        (Lever.OUT_OF_REACH, "Out of reach of any Service setting"),
        (Lever.NOT_KNOWN, "Not known"),
    ):
        of = _of(found, lever)
        if of:
            listed = "; ".join(f"{title(one)}: {one.outlook.why}" for one in of[:3])
            more = f" And {len(of) - 3} more." if len(of) > 3 else ""  # noqa: PLR2004 - as many as are listed
            yield Fact(label=label, text=f"{listed}{more}")
    if found.dependencies:
        calls = sum(one.calls for one in found.dependencies)
        yield Fact(
            label="Dependencies",
            text=f"{units.count(calls)} calls to databases, cloud services and outside APIs, whose zones are "
            "not known: in no figure above.",
        )


def _of(found: Observation, lever: Lever) -> list[ObservedPair]:
    return [one for one in found.pairs if one.outlook.lever is lever]


def _pairs(of: Sequence[ObservedPair]) -> str:
    return f"{units.count(len(of))} pair{'' if len(of) == 1 else 's'}"


def remarks(found: Observation) -> tuple[Footnote, ...]:
    """Every caveat, numbered."""
    return tuple(
        Footnote(number=number, code=one.code, text=one.text, about=WHOLE)
        for number, one in enumerate(found.caveats, start=1)
    )
