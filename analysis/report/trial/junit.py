"""The verdict of a trial as JUnit XML."""

from dataclasses import replace

from analysis.report import judgement, suite
from analysis.trial.values import Trial


def render(trial: Trial) -> str:
    """The document of a trial; of several candidates only the chosen one can make it red, if one was."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    chosen = None if trial.standing is None else trial.standing.choice
    others = {pair.title: one.verdict for pair in trial.further for one in pair.contests}
    words = judgement.told(trial.reasons, verdicts | others)
    several = len(verdicts) > 1
    cases = tuple(
        suite.cases(verdicts if several else dict(zip(("",), verdicts.values(), strict=False)), trial.null)
    )
    if several and chosen is not None:
        cases = tuple(_aside(case) if not _counts(case, chosen) else case for case in cases)
    for pair in trial.further:
        for one in pair.contests:
            if chosen is None or one.arm == chosen:
                label = f"{pair.title} {one.arm}"
                found = suite.cases({label: one.verdict}, pair.null)
                cases = (*cases, *(replace(case, arm=label) for case in found))
    return suite.document(
        suite.Suite(
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
                *((("interrupted", "true"),) if trial.is_interrupted else ()),
                *(
                    (f"{contest.arm}.{name}" if several else name, value)
                    for contest in trial.contests
                    for name, value in suite.properties_of(contest.effects)
                ),
                *trial.versions,
            ),
            cases=suite.certain(trial.decision, words, cases),
            words=(*words, *judgement.to_do(trial.advice)),
        )
    )


def _counts(case: suite.Case, chosen: str) -> bool:
    """Whether a case is of the chosen mode, or of no mode."""
    return case.arm in {chosen, ""}


def _aside(case: suite.Case) -> suite.Case:
    """A miss of a mode that nobody takes."""
    if case.kind in {suite.CaseKind.PASSED, suite.CaseKind.SKIPPED}:
        return case
    message = f"{case.type}, but this mode was not chosen: {case.message}"
    return replace(case, kind=suite.CaseKind.SKIPPED, type="", message=message, detail="")
