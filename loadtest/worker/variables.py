"""``${env:NAME}`` in what a request sends: a variable of the worker's environment, known by its name alone.

Values go from the environment into requests and nowhere else: plans, orders, reports and spans hold names.
"""

import json
import re
from collections.abc import Iterable, Mapping

from loadtest.worker.plan import Page

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(page: Page) -> frozenset[str]:
    """The variables that a page's headers and body name."""
    texts = (page.body, *(value for _, value in page.headers))
    return frozenset(name for text in texts for name in REFERENCE.findall(text))


def trouble(pages: Iterable[Page], environment: Mapping[str, str]) -> str:
    """A clause that names the variables which cannot be sent, and why; empty where all of them can.

    What is in them is never told.
    """
    named = sorted({name for page in pages for name in names_in(page)})
    missing = [name for name in named if not environment.get(name)]
    if missing:
        return f"not set in the load generators' environment: {', '.join(missing)}"
    in_headers = {name for page in pages for _, value in page.headers for name in REFERENCE.findall(value)}
    unfit = [name for name in sorted(in_headers) if not is_header_text(environment[name])]
    if unfit:
        return f"{', '.join(unfit)}: not fit for a header, which is one line of Latin-1 without spaces around"
    return ""


def is_header_text(text: str) -> bool:
    """Whether a header can have this value; what cannot be sent would be quoted in an error message."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return text == text.strip() and all(letter.isprintable() or letter == "\t" for letter in text)


def filled(text: str, environment: Mapping[str, str], *, in_json: bool = False) -> str:
    """*text* with every variable's value; KeyError where ``trouble`` told of one."""

    def value(found: re.Match[str]) -> str:
        return quoted(environment[found[1]]) if in_json else environment[found[1]]

    return REFERENCE.sub(value, text)


def quoted(text: str) -> str:
    """*text* as it stands inside a string of JSON."""
    return json.dumps(text)[1:-1]
