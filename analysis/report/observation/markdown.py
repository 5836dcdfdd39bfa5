"""An observation as GitHub Markdown: the answer first, details folded."""

from collections.abc import Iterator

from analysis.observe.observed import Observation
from analysis.report import comment, prose
from analysis.report.comment import folded
from analysis.report.observation import observation_answer, observation_tables


def render(found: Observation) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    return "\n".join([*_lines(found), ""])


def _lines(found: Observation) -> Iterator[str]:
    shown = observation_answer.answer(found)
    yield from comment.headline(shown.headline, None)
    yield from comment.figures(shown.figures)
    if found.platform == "lab":
        yield prose.IN_THE_LAB
        yield ""
    yield from comment.table(comment.short(observation_tables.traffic(found)))
    yield from folded("More about the result", (), comment.facts(shown.facts))
    for section in observation_tables.sections(found):
        tables = [comment.short(one) for one in (*section.tables, *section.folded) if one.key != "traffic"]
        yield from folded(section.title, tables)
    terms = prose.called(prose.OBSERVATION, found.source, found.unit, found.grain)
    yield from comment.reading(terms, prose.observation_limits(is_lab=found.platform == "lab"))
    yield from comment.notes(observation_answer.remarks(found))
