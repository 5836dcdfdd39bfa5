"""The registry of report formats: the file that each one fills in a run's folder, and who renders it.

A new format is one file in ``comparison/``, ``trial/`` or ``observation/``, with a function ``render``, and
one line here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from analysis.observe.observed import Observation
from analysis.report.comparison import html, junit, markdown
from analysis.report.observation import html as observation_html
from analysis.report.observation import markdown as observation_markdown
from analysis.report.trial import html as trial_html
from analysis.report.trial import junit as trial_junit
from analysis.report.trial import markdown as trial_markdown
from analysis.trial.values import Trial
from analysis.verdict.compared import Comparison

_Found = TypeVar("_Found")

PAGE: Final = "report.html"
"""The file that a person opens first."""

COMPARISON: Final[dict[str, Callable[[Comparison], str]]] = {
    PAGE: html.render,
    "report.md": markdown.render,
    "junit.xml": junit.render,
}
TRIAL: Final[dict[str, Callable[[Trial], str]]] = {
    PAGE: trial_html.render,
    "report.md": trial_markdown.render,
    "junit.xml": trial_junit.render,
}

OBSERVATION: Final[dict[str, Callable[[Observation], str]]] = {
    PAGE: observation_html.render,
    "report.md": observation_markdown.render,
}


def documents(found: _Found, registry: Mapping[str, Callable[[_Found], str]]) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of *found* in every format of *registry*."""
    for name, render in registry.items():
        yield name, render(found).encode()
