"""The verdict of a comparison as JUnit XML."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from analysis.report import judgement, names, suite
from analysis.report.comparison import under_test
from analysis.verdict.compared import Comparison


def render(comparison: Comparison) -> str:
    """The document of a comparison; one without a verdict has a single case, which is skipped."""
    windows = (comparison.baseline.window, comparison.candidate.window)
    verdict = comparison.verdict
    pair = names.pair(*comparison.focus)
    found = comparison.effects
    cases: Sequence[suite.Case] = (
        suite.Case(
            group="verdict",
            name="verdict",
            kind=suite.CaseKind.SKIPPED,
            message="this comparison was not judged",
        ),
    )
    if verdict is not None:
        cases = tuple(_cases(comparison))
        cases = suite.certain(comparison.decision or verdict.decision, _words(comparison), cases)
    return suite.document(
        suite.Suite(
            name=f"samezone {pair}: {comparison.candidate.mode} against {comparison.baseline.mode}",
            at_s=comparison.created_s,
            host=comparison.context,
            seconds=sum(window.length_s for window in windows),
            properties=(
                ("decision", "none" if comparison.decision is None else comparison.decision.value),
                ("platform", comparison.platform),
                ("context", comparison.context),
                ("service", ", ".join(one.service for one in comparison.each)),
                ("baseline", comparison.baseline.run_id),
                ("candidate", comparison.candidate.run_id),
                *(() if found is None else suite.properties_of(found)),
                *(
                    (f"{under_test.label(one)}: {name}", value)
                    for one in comparison.further
                    if one.effects is not None
                    for name, value in suite.properties_of(one.effects)
                ),
                *comparison.versions,
            ),
            cases=cases,
            words=() if verdict is None else (*_words(comparison), *judgement.to_do(verdict.advice)),
        )
    )


def _cases(comparison: Comparison) -> Iterator[suite.Case]:
    """Of each pair under test; named after it where there are several."""
    for one in comparison.each:
        if one.verdict is not None:
            arm = under_test.label(one) if comparison.further else ""
            for case in suite.cases({arm: one.verdict}, one.verdict.null):
                yield replace(case, arm=arm)


def _words(comparison: Comparison) -> tuple[str, ...]:
    banner = under_test.banner(comparison)
    if comparison.verdict is None or banner is None:
        return ()
    if not comparison.further:
        return judgement.sentences(comparison.verdict)
    return (
        under_test.combined(comparison),
        *(
            f"{under_test.label(one)}: {sentence}"
            for one in comparison.each
            if one.verdict is not None
            for sentence in judgement.sentences(one.verdict)
        ),
    )
