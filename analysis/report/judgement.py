"""The decision and what it rests on, first in words, then as tables; the same for comparisons and trials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.report import measures, names, units
from analysis.report.tables import Cell, Row, Table, Tone, columns, row
from analysis.verdict.guards import Guard, Outcome
from analysis.verdict.judged import Decision, Gate, Null, Verdict
from analysis.verdict.requirements import Finding, Met

MOST_REASONS: Final = 6
"""More reasons than a first screen has room for are in the tables."""

_WORDS: Final[Mapping[Decision, tuple[str, str, str]]] = {
    Decision.PASS: (
        "Pass",
        "\u2713",
        "The change is an improvement, and every guard and every requirement holds.",
    ),
    Decision.FAIL: ("Fail", "\u2717", "A guard or a requirement is missed: do not keep this as it is."),
    Decision.INCONCLUSIVE: (
        "Inconclusive",
        "?",
        "The evidence allows a pass and a fail: measure longer, or more often.",
    ),
    Decision.INVALID: (
        "Invalid",
        "!",
        "This measurement cannot be trusted, so none of its figures decides anything.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What stands above everything else."""

    decision: Decision
    word: str
    sign: str
    """Beside the word, so that colour is not the only difference."""
    meaning: str
    reasons: tuple[str, ...]
    """At most ``MOST_REASONS``, the last one counting what is left out; then what to do about it."""


def banner(decision: Decision, reasons: Sequence[str], advice: str = "") -> Banner:
    """The decision with its reasons, already as sentences, and what to do."""
    word, sign, meaning = _WORDS[decision]
    unique = list(dict.fromkeys(reasons))
    if len(unique) > MOST_REASONS:
        left = len(unique) - MOST_REASONS + 1
        unique = [*unique[: MOST_REASONS - 1], f"{units.count(left)} more reasons are in the tables below."]
    return Banner(decision=decision, word=word, sign=sign, meaning=meaning, reasons=(*unique, *to_do(advice)))


def of_verdict(verdict: Verdict) -> Banner:
    """A verdict's banner."""
    return banner(verdict.decision, sentences(verdict), verdict.advice)


def to_do(advice: str) -> tuple[str, ...]:
    """The last line of what is open; nothing where there is nothing to do."""
    return (f"To do: {names.plain(advice)}",) if advice else ()


def decision_text(decision: Decision) -> str:
    """A decision in a table's cell."""
    word, sign, _ = _WORDS[decision]
    return f"{sign} {word.lower()}"


def tone(decision: Decision) -> Tone:
    """A decision's tone in a table's cell."""
    if decision is Decision.PASS:
        return Tone.PASS
    return Tone.OPEN if decision is Decision.INCONCLUSIVE else Tone.FAIL


_OUTCOMES: Final = {Outcome.PASS: Tone.PASS, Outcome.FAIL: Tone.FAIL, Outcome.INCONCLUSIVE: Tone.OPEN}
_MET: Final = {Met.MET: Tone.PASS, Met.NOT_MET: Tone.FAIL, Met.UNDECIDED: Tone.OPEN}


def sentences(verdict: Verdict) -> tuple[str, ...]:
    """A verdict's reasons in a reader's words, in their order; an unknown one as it is."""
    known = _known(verdict)
    return tuple(known.get(reason, _ended(reason)) for reason in verdict.reasons)


def told(reasons: Iterable[str], verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """Reasons over several verdicts, each perhaps led by its arm's name, as sentences."""
    known: dict[str, str] = {}
    for arm, verdict in verdicts.items():
        for reason, sentence in _known(verdict).items():
            known.setdefault(reason, sentence)
            known[f"{arm}: {reason}"] = f"{arm}: {sentence}"
    return tuple(known.get(reason, _ended(reason)) for reason in reasons)


def _known(verdict: Verdict) -> dict[str, str]:
    known = {guard.reason: measures.guard_sentence(guard) for guard in verdict.guards}
    known |= {one.reason: measures.requirement_sentence(one) for one in verdict.requirements}
    known |= {f"gate {gate}": told for gate, told in measures.gate_sentences(verdict.gates).items()}
    null = measures.null_sentence(verdict.null)
    known |= {f"null pair: {reason}": null for reason in (verdict.null.reasons if verdict.null else ())}
    if verdict.null is None:
        known |= {reason: null for reason in verdict.reasons if reason.startswith("no two equal arms")}
    return known


def _ended(reason: str) -> str:
    text = names.plain(reason)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def guards(verdicts: Mapping[str, Verdict]) -> Table:
    """Every guard of every arm: figure, interval, margin, outcome."""
    several = len(verdicts) > 1
    idle = any(verdict.decision is Decision.INVALID for verdict in verdicts.values())
    return Table(
        key="guards",
        stacked=True,
        title="Guards (they decide nothing: the measurement is invalid)" if idle else "Guards",
        about=(
            "All guards have to pass. A guard passes if its whole interval is on the right side of its "
            "limit, and fails if all of it is on the wrong one."
        ),
        columns=columns(*(("Mode",) if several else ()), "Guard", "Outcome", numbers=("Measured", "Limit")),
        rows=tuple(
            (*((Cell(text=arm),) if several else ()), *_guard_row(guard))
            for arm, verdict in verdicts.items()
            for guard in verdict.guards
        ),
        empty="There are no guards.",
    )


def _guard_row(guard: Guard) -> Row:
    return (
        Cell(text=measures.guard_title(guard)),
        Cell(text=measures.outcome(guard), tone=_OUTCOMES[guard.outcome]),
        *row(measures.guard_value(guard), measures.guard_limit(guard)),
    )


def requirements(verdicts: Mapping[str, Verdict]) -> Table | None:
    """What was asked for besides the guards; None if nothing was."""
    several = len(verdicts) > 1
    rows = [
        (*((Cell(text=arm),) if several else ()), *_requirement_row(one))
        for arm, verdict in verdicts.items()
        for one in verdict.requirements
    ]
    if not rows:
        return None
    return Table(
        key="requirements",
        stacked=True,
        title="Requirements",
        about="Given by whoever asked for this measurement, and judged by the whole interval as guards are.",
        columns=columns(
            *(("Mode",) if several else ()), "Required", "Outcome", numbers=("Measured", "Limit")
        ),
        rows=tuple(rows),
    )


def _requirement_row(one: Finding) -> Row:
    title = measures.requirement_title(one.requirement)
    return (
        Cell(text=f"{title[:1].upper()}{title[1:]} ({one.requirement.metric})"),
        Cell(text=measures.met(one), tone=_MET[one.met]),
        *row(measures.requirement_value(one), measures.requirement_limit(one)),
    )


def null_pair(null: Null | None) -> Table:
    """The instrument on two equal arms."""
    return Table(
        key="null",
        stacked=True,
        title="Two equal arms",
        about=(
            "The same arm was measured twice, so the true difference is 0. The difference seen is what "
            "measuring alone makes; no verdict is valid without this check."
        ),
        columns=columns("Outcome", numbers=("Difference seen", "Allowed", "Level", "Pairs")),
        rows=() if null is None else (_null_row(null),),
        empty="No two equal arms were measured: nobody knows what difference measuring alone makes.",
    )


def _null_row(null: Null) -> Row:
    text = "\u2713 passed" if null.certified else "\u2717 not passed"
    seen = measures.figure(measures.Scale.POINTS, null.interval, null.margin)
    return (
        Cell(text=text, tone=Tone.PASS if null.certified else Tone.FAIL),
        *row(seen, units.half_width(null.margin), units.level(null.interval), units.count(null.pairs)),
    )


def failed_gates(gates: Sequence[Gate]) -> Table | None:
    """The gates that make it invalid; None if all passed."""
    broken = [gate for gate in dict.fromkeys(gates) if not gate.passed]
    return _gates("gates-failed", "Gates that failed", broken) if broken else None


def every_gate(gates: Sequence[Gate]) -> Table:
    """What has to hold for a window to be evidence, and whether it did."""
    unique = tuple(dict.fromkeys(gates))
    broken = sum(not gate.passed for gate in unique)
    done = f"all {units.count(len(unique))} passed" if not broken else f"{units.count(broken)} failed"
    return _gates("gates", f"Gates: {done}", unique)


def _gates(key: str, title: str, gates: Sequence[Gate]) -> Table:
    return Table(
        key=key,
        title=title,
        about="What has to hold for a window to be evidence. One that fails makes the verdict invalid.",
        columns=columns("Gate", "Where", "Outcome", "Seen", "Allowed"),
        rows=tuple(_gate_row(gate) for gate in gates),
        empty="No gate was looked at.",
    )


def _gate_row(gate: Gate) -> Row:
    text = "\u2713 passed" if gate.passed else "\u2717 failed"
    return (
        Cell(text=f"{measures.gate_title(gate.name)} ({gate.name})"),
        Cell(text=gate.where),
        Cell(text=text, tone=Tone.PLAIN if gate.passed else Tone.FAIL),
        *row(gate.seen, gate.bound),
    )


def tables(verdicts: Mapping[str, Verdict], null: Null | None) -> Iterator[Table]:
    """What is read at once: guards, requirements, the null pair, gates that failed."""
    yield guards(verdicts)
    asked = requirements(verdicts)
    if asked is not None:
        yield asked
    yield null_pair(null)
    broken = failed_gates(gates_of(verdicts))
    if broken is not None:
        yield broken


def gates_of(verdicts: Mapping[str, Verdict]) -> tuple[Gate, ...]:
    """The gates of all verdicts, each once."""
    return tuple(dict.fromkeys(gate for verdict in verdicts.values() for gate in verdict.gates))
