"""The verdict of a comparison as JUnit XML."""

from collections.abc import Sequence

from analysis.report import judgement, names, suite
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
        cases = tuple(suite.cases({"": verdict}, verdict.null))
        cases = suite.certain(verdict.decision, judgement.sentences(verdict), cases)
    return suite.document(
        suite.Suite(
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
                *(() if found is None else suite.properties_of(found)),
                *comparison.versions,
            ),
            cases=cases,
            words=()
            if verdict is None
            else (*judgement.sentences(verdict), *judgement.to_do(verdict.advice)),
        )
    )
