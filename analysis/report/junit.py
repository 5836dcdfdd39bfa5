"""The verdict as JUnit XML: what Jenkins, GitLab, GitHub and their like show of a job.

One suite; a test case for each guard, requirement, kind of gate, and the null pair. A miss is a failure, what
cannot be told is a failure of type ``inconclusive``, what makes the measurement invalid is an error, and what
then has no weight is skipped. The suite is green exactly if the decision is *pass*.

The form is the strictest one in use, the Ant task's (``junitreport``, as the XSD by Windy Road describes it),
which Jenkins' own schema allows too: all counts, ``timestamp`` without a zone, ``hostname``, properties
before the cases, output after them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree import ElementTree as ET

from analysis.model import Comparison
from analysis.report import judgement, measures, names, units
from analysis.statistics.interval import Interval
from analysis.trial.values import Trial
from analysis.verdict import guards
from analysis.verdict.guards import Outcome
from analysis.verdict.judged import Decision, Effects, Gate, GateName, Null, Verdict
from analysis.verdict.requirements import Met

_SPACES = 2
"""Of indentation."""


class _Kind(StrEnum):
    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    arm: str = ""
    """The mode it is of, where there are several."""
    group: str
    name: str
    kind: _Kind
    type: str = ""
    """Of a failure or an error."""
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    name: str
    at_s: float
    host: str
    seconds: float
    properties: Sequence[tuple[str, str]]
    cases: Sequence[_Case]
    words: Sequence[str]


def render(comparison: Comparison) -> str:
    """Of a comparison; one without a verdict has a single case, which is skipped."""
    windows = (comparison.baseline.window, comparison.candidate.window)
    verdict = comparison.verdict
    pair = names.pair(*comparison.focus)
    found = comparison.effects
    cases: Sequence[_Case] = (
        _Case(group="verdict", name="verdict", kind=_Kind.SKIPPED, message="this comparison was not judged"),
    )
    if verdict is not None:
        cases = tuple(_cases({"": verdict}, verdict.null))
        cases = _certain(verdict.decision, judgement.sentences(verdict), cases)
    return _document(
        _Suite(
            name=f"samezone {pair}: {comparison.candidate.mode} against {comparison.baseline.mode}",
            at_s=comparison.created_s,
            host=comparison.context,
            seconds=sum(window.length_s for window in windows),
            properties=(
                ("decision", "none" if verdict is None else verdict.decision.value),
                ("platform", comparison.platform),
                ("context", comparison.context),
                ("service", comparison.service),
                ("baseline", comparison.baseline.run_id),
                ("candidate", comparison.candidate.run_id),
                *(() if found is None else _figures(found)),
                *comparison.versions,
            ),
            cases=cases,
            words=() if verdict is None else judgement.sentences(verdict),
        )
    )


def render_trial(trial: Trial) -> str:
    """Of a trial; of more than two arms only the one that was chosen can make it red, if one was."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    chosen = None if trial.standing is None else trial.standing.choice
    words = judgement.told(trial.reasons, verdicts)
    several = len(verdicts) > 1
    cases = tuple(
        _cases(verdicts if several else dict(zip(("",), verdicts.values(), strict=False)), trial.null)
    )
    if several and chosen is not None:
        cases = tuple(_aside(case) if not _counts(case, chosen) else case for case in cases)
    return _document(
        _Suite(
            name=f"samezone {trial.client} \u2192 {trial.service}: "
            f"{', '.join(trial.arms[1:])} against {trial.arms[0]}",
            at_s=trial.created_s,
            host=trial.context,
            seconds=trial.measuring.seconds,
            properties=(
                ("decision", trial.decision.value),
                ("platform", trial.platform),
                ("context", trial.context),
                ("service", trial.service),
                ("choice", chosen or (trial.arms[-1] if trial.standing is None else "none")),
                ("stopped", trial.stopped),
                *(
                    (f"{contest.arm}.{name}" if several else name, value)
                    for contest in trial.contests
                    for name, value in _figures(contest.effects)
                ),
                *trial.versions,
            ),
            cases=_certain(trial.decision, words, cases),
            words=words,
        )
    )


def _counts(case: _Case, chosen: str) -> bool:
    """Whether a case is of the chosen mode, or of no mode."""
    return case.arm in {chosen, ""}


def _aside(case: _Case) -> _Case:
    """A miss of a mode that nobody takes."""
    if case.kind in {_Kind.PASSED, _Kind.SKIPPED}:
        return case
    message = f"{case.type}, but this mode was not chosen: {case.message}"
    return replace(case, kind=_Kind.SKIPPED, type="", message=message, detail="")


def _certain(decision: Decision, words: Sequence[str], cases: tuple[_Case, ...]) -> tuple[_Case, ...]:
    """The cases; with one more where the decision rests on something that is none of them."""
    red = any(case.kind in {_Kind.FAILURE, _Kind.ERROR} for case in cases)
    if decision is Decision.PASS or red:
        return cases
    return (
        *cases,
        _Case(
            group="verdict",
            name="verdict",
            kind=_Kind.ERROR if decision is Decision.INVALID else _Kind.FAILURE,
            type=decision.value,
            message=words[0] if words else decision.value,
            detail="\n".join(words),
        ),
    )


def _cases(verdicts: Mapping[str, Verdict], null: Null | None) -> Iterator[_Case]:
    for arm, verdict in verdicts.items():
        idle = verdict.decision is Decision.INVALID
        for guard in verdict.guards:
            case = _Case(arm=arm, group="guards", name=guards.phrase(guard.name), kind=_Kind.PASSED)
            yield _judged(case, guard.outcome, measures.guard_sentence(guard), idle=idle)
        for one in verdict.requirements:
            outcome = {
                Met.MET: Outcome.PASS,
                Met.NOT_MET: Outcome.FAIL,
                Met.UNDECIDED: Outcome.INCONCLUSIVE,
            }[one.met]
            case = _Case(arm=arm, group="requirements", name=str(one.requirement), kind=_Kind.PASSED)
            yield _judged(case, outcome, measures.requirement_sentence(one), idle=idle)
        for name in dict.fromkeys(gate.name for gate in verdict.gates):
            yield _gates(arm, name, [gate for gate in verdict.gates if gate.name == name])
    certified = null is not None and null.certified
    sentence = measures.null_sentence(null)
    yield _Case(
        group="null",
        name="two equal arms",
        kind=_Kind.PASSED if certified else _Kind.ERROR,
        type="" if certified else Decision.INVALID.value,
        message="" if certified else sentence,
        detail="" if certified else sentence,
    )


def _judged(case: _Case, outcome: Outcome, sentence: str, *, idle: bool) -> _Case:
    if idle:
        message = f"without weight, the measurement is invalid: {sentence}"
        return replace(case, kind=_Kind.SKIPPED, message=message)
    if outcome is Outcome.PASS:
        return case
    return replace(case, kind=_Kind.FAILURE, type=outcome.value, message=sentence, detail=sentence)


def _gates(arm: str, name: GateName, gates: Sequence[Gate]) -> _Case:
    """All windows of one kind of gate."""
    case = _Case(arm=arm, group="gates", name=f"{name}: {measures.gate_title(name)}", kind=_Kind.PASSED)
    broken = [measures.gate_sentence(gate) for gate in gates if not gate.passed]
    if not broken:
        return case
    more = f" (and {units.count(len(broken) - 1)} more)" if broken[1:] else ""
    return replace(
        case,
        kind=_Kind.ERROR,
        type=Decision.INVALID.value,
        message=f"{broken[0]}{more}",
        detail="\n".join(broken),
    )


def _figures(found: Effects) -> Iterator[tuple[str, str]]:
    """For machines: the metrics by the names that requirements use, in base units, with both ends."""
    intervals: dict[str, Interval | None] = {"same_zone_before": found.share_before}
    intervals |= {str(metric): interval for metric, interval in found.metrics().items()}
    for name, interval in intervals.items():
        if interval is not None:
            yield name, f"{interval.estimate:.6g}"
            yield f"{name}.low", f"{interval.low:.6g}"
            yield f"{name}.high", f"{interval.high:.6g}"
    yield "design_effect", f"{found.design_effect_after:.6g}"
    yield "effective_n", str(found.share_after.n)


def _document(suite: _Suite) -> str:
    root = ET.Element("testsuites")
    counts = {kind: sum(case.kind is kind for case in suite.cases) for kind in _Kind}
    found = ET.SubElement(
        root,
        "testsuite",
        {
            "id": "0",
            "package": "samezone",
            "name": _token(suite.name),
            "timestamp": f"{datetime.fromtimestamp(suite.at_s, UTC):%Y-%m-%dT%H:%M:%S}",
            "hostname": _token(suite.host) or "localhost",
            "tests": str(len(suite.cases)),
            "failures": str(counts[_Kind.FAILURE]),
            "errors": str(counts[_Kind.ERROR]),
            "skipped": str(counts[_Kind.SKIPPED]),
            "time": f"{suite.seconds:.3f}",
        },
    )
    properties = ET.SubElement(found, "properties")
    for name, value in suite.properties:
        ET.SubElement(properties, "property", {"name": _token(name) or "unnamed", "value": _token(value)})
    for case in suite.cases:
        found.append(_element(case))
    ET.SubElement(found, "system-out").text = _lines(suite.words)
    ET.SubElement(found, "system-err").text = ""
    ET.indent(root, " " * _SPACES)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _element(case: _Case) -> ET.Element:
    # All cases rest on the same measurement, so its seconds stand at the suite and at none of them.
    classname = ".".join(filter(None, ("samezone", _token(case.arm), case.group)))
    found = ET.Element("testcase", {"classname": classname, "name": _token(case.name), "time": "0.000"})
    if case.kind is _Kind.PASSED:
        return found
    attributes = {"message": _token(case.message)}
    if case.kind is not _Kind.SKIPPED:
        attributes["type"] = case.type
    end = ET.SubElement(found, case.kind.value, attributes)
    end.text = _lines(case.detail.splitlines()) or None
    return found


def _token(text: str) -> str:
    """One line of characters that XML allows, without outer or double spaces, as ``xs:token`` wants it."""
    return " ".join(names.plain(text).split())


def _lines(words: Iterable[str]) -> str:
    return "\n".join(names.plain(one) for one in words)
