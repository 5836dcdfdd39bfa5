"""JUnit XML: its form, and what comparisons and trials write."""

import itertools
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from analysis.report import suite
from analysis.report.comparison import junit
from analysis.report.trial import junit as trial_junit
from analysis.verdict.judged import Decision
from tests.analysis.report import blocks, golden
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.trial import trial_samples
from tests.analysis.report.xsd import Schema

JUDGED = ("passed", "failed", "inconclusive", "invalid", "uncertified", "hostile")
TRIALS = ("two", "five", "failing", "open_", "broken", "early", "hostile")
SCHEMA = Schema(Path(__file__).with_name("junit.xsd"))


SAMPLES = [*(("judged", name) for name in JUDGED), *(("trial", name) for name in TRIALS)]


@cache
def document(kind: str, name: str) -> tuple[Decision, str]:
    """A sample's decision and document."""
    if kind == "trial":
        trial = getattr(trial_samples, name)()
        return trial.decision, trial_junit.render(trial)
    compared = getattr(judged_samples, name)()
    return compared.verdict.decision, junit.render(compared)


def suite_of(text: str) -> ET.Element:
    """The one suite of a document."""
    (found,) = ET.fromstring(text)  # noqa: S314 - our own document
    return found


def cases_of(text: str) -> dict[str, ET.Element | None]:
    """What stands in each test case, by its full name."""
    return {
        f"{case.get('classname')} {case.get('name')}": next(iter(case), None)
        for case in suite_of(text).findall("testcase")
    }


def test_golden():
    """A suite with a case of every kind is what it was when somebody last looked at it."""
    cases = tuple(
        suite.Case(
            arm=arm,
            group=kind.value,
            name=f"{kind.value} \u2192 {number}",
            kind=kind,
            type="" if kind in {suite.CaseKind.PASSED, suite.CaseKind.SKIPPED} else "a-type",
            message="" if kind is suite.CaseKind.PASSED else blocks.HOSTILE,
            detail="two\nlines" if kind is suite.CaseKind.FAILURE else "",
        )
        for number, (kind, arm) in enumerate(itertools.product(suite.CaseKind, ("", "a mode")))
    )
    shown = suite.document(
        suite.Suite(
            name=blocks.HOSTILE,
            at_s=1_700_000_000.25,
            host="a-place",
            seconds=12.3456,
            properties=(("one", "1"), ("", blocks.HOSTILE)),
            cases=cases,
            words=("A reason.", blocks.HOSTILE),
        )
    )

    assert SCHEMA.faults(shown) == []
    golden.check("suite.xml", shown)


@pytest.mark.parametrize(("kind", "name"), SAMPLES)
def test_valid(kind, name):
    """Every document has the form that CI systems read."""
    assert SCHEMA.faults(document(kind, name)[1]) == []


@pytest.mark.parametrize(
    ("pattern", "instead", "fault"),
    [
        (r' tests="\d+"', "", "@tests: missing"),
        (r'tests="\d+"', 'tests="many"', "'many' is no xs:nonNegativeInteger"),
        (r'timestamp="([^"]*)"', r'timestamp="\1Z"', "does not match"),
        (r"<system-out>.*</system-out>\s*", "", "<system-out> is missing"),
        (r"(<testcase [^>]*/>)", r"<error/>\1", "<error> is not expected here"),
        (r' type="fail"', "", "@type: missing"),
        (r'classname="[^"]*"', 'classname=""', "'' is too short"),
        (r"<testcase", '<testcase file="x"', "@file: not allowed"),
        ("(?s)<failure.*?</failure>", "<failure type='a'/><error type='b'/>", "at most one of"),
    ],
)
def test_the_schema_finds_faults(pattern, instead, fault):
    """A document that is not of the form is noticed, so silence above means something."""
    whole = junit.render(judged_samples.failed())
    broken = re.sub(pattern, instead, whole, count=1, flags=re.DOTALL)

    assert broken != whole
    assert any(fault in one for one in SCHEMA.faults(broken)), SCHEMA.faults(broken)


def test_the_schema_is_one():
    """A full validator, where one is installed, reads the schema and agrees."""
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))

    for kind, name in SAMPLES:
        schema.validate(document(kind, name)[1])


@pytest.mark.parametrize(("kind", "name"), SAMPLES)
def test_green_exactly_if_it_passes(kind, name):
    """A CI system is as green as the verdict."""
    decision, text = document(kind, name)
    suite = suite_of(text)
    red = int(suite.get("failures", "")) + int(suite.get("errors", ""))

    assert (decision is Decision.PASS) == (red == 0)


@pytest.mark.parametrize(("kind", "name"), SAMPLES)
def test_counts(kind, name):
    """The counts of the suite are those of its cases, and no two cases have one name."""
    _, text = document(kind, name)
    suite = suite_of(text)
    found = Counter(one.tag if one is not None else "passed" for one in cases_of(text).values())
    counts = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}

    assert {
        "tests": len(suite.findall("testcase")),
        "failures": found["failure"],
        "errors": found["error"],
        "skipped": found["skipped"],
    } == counts
    assert len(cases_of(text)) == counts["tests"]


def test_a_case_for_each():
    """A case for each guard, requirement, kind of gate, and the null pair; the misses say why."""
    cases = cases_of(junit.render(judged_samples.failed()))
    groups = Counter(name.split()[0] for name in cases)
    missed = cases["samezone.guards p99 ratio"]

    assert groups == {
        "samezone.guards": 4,
        "samezone.requirements": 1,
        "samezone.gates": 14,
        "samezone.null": 1,
    }
    assert missed is not None
    assert (missed.tag, missed.get("type")) == ("failure", "fail")
    assert "1.10\u00d7" in missed.get("message", "")


def test_inconclusive_is_a_failure_of_its_own_type():
    """What cannot be told is no pass, and not the same as a miss."""
    cases = cases_of(junit.render(judged_samples.inconclusive()))
    types = {one.get("type") for one in cases.values() if one is not None and one.tag == "failure"}

    assert {"inconclusive"} == types


def test_invalid_is_an_error():
    """A broken gate and a missing null pair are errors; what then has no weight is skipped."""
    cases = cases_of(junit.render(judged_samples.invalid()))
    errors = [name for name, one in cases.items() if one is not None and one.tag == "error"]
    skipped = [name for name, one in cases.items() if one is not None and one.tag == "skipped"]

    assert errors == [
        "samezone.gates generator: The load generator has to keep up",
        "samezone.null two equal arms",
    ]
    assert len(skipped) == 4


def test_a_mode_that_nobody_takes_cannot_fail_a_tournament():
    """What the others miss is skipped, and said."""
    cases = cases_of(trial_junit.render(trial_samples.five()))
    missed = cases["samezone.prefer-same-node.guards busiest endpoint over the mean"]

    assert missed is not None
    assert missed.tag == "skipped"
    assert missed.get("message", "").startswith("fail, but this mode was not chosen: The busiest endpoint")


def test_a_decision_without_a_case_gets_one():
    """A trial that ended before its first block is red although nothing was judged."""
    cases = cases_of(trial_junit.render(trial_samples.early()))
    last = cases["samezone.verdict verdict"]

    assert last is not None
    assert (last.tag, last.get("type")) == ("error", "invalid")


def test_no_verdict_is_skipped():
    """A comparison of before there were verdicts is neither green nor red."""
    text = junit.render(samples.tar())

    assert SCHEMA.faults(text) == []
    assert [one.tag for one in cases_of(text).values() if one is not None] == ["skipped"]


def test_figures_and_seconds():
    """The properties hold the figures in base units, the time is that of measuring."""
    compared = judged_samples.passed()
    suite = suite_of(junit.render(compared))
    figures = {one.get("name"): one.get("value") for one in suite.iter("property")}

    assert suite.get("time") == "86.000"
    assert figures["decision"] == "pass"
    assert float(figures["same_zone_gain"] or "") == pytest.approx(
        compared.effects.share.interval.estimate, rel=1e-5
    )
    assert float(figures["p99_ratio.high"] or "") == pytest.approx(compared.effects.p99_ratio.high, rel=1e-5)


def test_an_empty_context_has_a_host():
    """The form wants a host name even where there is no context."""
    suite = suite_of(junit.render(replace(judged_samples.passed(), context="")))

    assert suite.get("hostname") == "localhost"
