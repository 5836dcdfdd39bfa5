"""A suite of test cases as JUnit XML: what Jenkins, GitLab, GitHub and their like show of a job.

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

from analysis.report import measures, names, units
from analysis.statistics.interval import Interval
from analysis.verdict import guards
from analysis.verdict.guards import Outcome
from analysis.verdict.judged import Decision, Effects, Gate, GateName, Null, Verdict
from analysis.verdict.requirements import Met

_SPACES = 2
"""Of indentation."""


class CaseKind(StrEnum):
    """How a test case ended; but for the first, the name of the element that says so."""

    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test case."""

    arm: str = ""
    """The mode it is of, where there are several."""
    group: str
    name: str
    kind: CaseKind
    type: str = ""
    """Of a failure or an error."""
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """All test cases of one measurement."""

    name: str
    at_s: float
    host: str
    seconds: float
    properties: Sequence[tuple[str, str]]
    cases: Sequence[Case]
    words: Sequence[str]


def certain(decision: Decision, words: Sequence[str], cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The cases; with one more where the decision rests on something that is none of them."""
    red = any(case.kind in {CaseKind.FAILURE, CaseKind.ERROR} for case in cases)
    if decision is Decision.PASS or red:
        return cases
    return (
        *cases,
        Case(
            group="verdict",
            name="verdict",
            kind=CaseKind.ERROR if decision is Decision.INVALID else CaseKind.FAILURE,
            type=decision.value,
            message=words[0] if words else decision.value,
            detail="\n".join(words),
        ),
    )


def cases(verdicts: Mapping[str, Verdict], null: Null | None) -> Iterator[Case]:
    """A case for each guard, requirement and kind of gate of every arm, and for the two equal arms."""
    for arm, verdict in verdicts.items():
        idle = verdict.decision is Decision.INVALID
        for guard in verdict.guards:
            case = Case(arm=arm, group="guards", name=guards.phrase(guard.name), kind=CaseKind.PASSED)
            yield _judged(case, guard.outcome, measures.guard_sentence(guard), idle=idle)
        for one in verdict.requirements:
            outcome = {
                Met.MET: Outcome.PASS,
                Met.NOT_MET: Outcome.FAIL,
                Met.UNDECIDED: Outcome.INCONCLUSIVE,
            }[one.met]
            case = Case(arm=arm, group="requirements", name=str(one.requirement), kind=CaseKind.PASSED)
            yield _judged(case, outcome, measures.requirement_sentence(one), idle=idle)
        for name in dict.fromkeys(gate.name for gate in verdict.gates):
            yield _gates(arm, name, [gate for gate in verdict.gates if gate.name == name])
    certified = null is not None and null.certified
    sentence = measures.null_sentence(null)
    yield Case(
        group="null",
        name="two equal arms",
        kind=CaseKind.PASSED if certified else CaseKind.ERROR,
        type="" if certified else Decision.INVALID.value,
        message="" if certified else sentence,
        detail="" if certified else sentence,
    )


def _judged(case: Case, outcome: Outcome, sentence: str, *, idle: bool) -> Case:
    if idle:
        message = f"not decisive, the measurement is invalid: {sentence}"
        return replace(case, kind=CaseKind.SKIPPED, message=message)
    if outcome is Outcome.PASS:
        return case
    return replace(case, kind=CaseKind.FAILURE, type=outcome.value, message=sentence, detail=sentence)


def _gates(arm: str, name: GateName, gates: Sequence[Gate]) -> Case:
    """All windows of one kind of gate."""
    case = Case(arm=arm, group="gates", name=f"{name}: {measures.gate_title(name)}", kind=CaseKind.PASSED)
    broken = [measures.gate_sentence(gate) for gate in gates if not gate.passed]
    if not broken:
        return case
    more = f" (and {units.count(len(broken) - 1)} more)" if broken[1:] else ""
    return replace(
        case,
        kind=CaseKind.ERROR,
        type=Decision.INVALID.value,
        message=f"{broken[0]}{more}",
        detail="\n".join(broken),
    )


def properties_of(found: Effects) -> Iterator[tuple[str, str]]:
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


def document(suite: Suite) -> str:
    """The suite as XML."""
    root = ET.Element("testsuites")
    counts = {kind: sum(case.kind is kind for case in suite.cases) for kind in CaseKind}
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
            "failures": str(counts[CaseKind.FAILURE]),
            "errors": str(counts[CaseKind.ERROR]),
            "skipped": str(counts[CaseKind.SKIPPED]),
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


def _element(case: Case) -> ET.Element:
    # All cases rest on the same measurement, so its seconds stand at the suite and at none of them.
    classname = ".".join(filter(None, ("samezone", _token(case.arm), case.group)))
    found = ET.Element("testcase", {"classname": classname, "name": _token(case.name), "time": "0.000"})
    if case.kind is CaseKind.PASSED:
        return found
    attributes = {"message": _token(case.message)}
    if case.kind is not CaseKind.SKIPPED:
        attributes["type"] = case.type
    end = ET.SubElement(found, case.kind.value, attributes)
    end.text = _lines(case.detail.splitlines()) or None
    return found


def _token(text: str) -> str:
    """One line of characters that XML allows, without outer or double spaces, as ``xs:token`` wants it."""
    return " ".join(names.plain(text).split())


def _lines(words: Iterable[str]) -> str:
    return "\n".join(names.plain(one) for one in words)
