"""``--json``: every verb that answers has it; the others are named here, with why not."""

import argparse
from collections.abc import Iterator

import pytest

from analysis.cli import parser
from k8s.console import LaterParser, Parser

NO_ANSWER = {
    **dict.fromkeys(("lab down", "kind up", "kind down"), "it is there or gone"),
    **dict.fromkeys(
        ("lab zone fail", "lab zone heal", "lab pod kill", "lab scale", "lab node add", "lab node unlabel"),
        "something happens to the lab, which lab status --json then shows",
    ),
    "lab delay": "something happens to the lab",
    **dict.fromkeys(("lab xray", "web"), "it serves until it is interrupted"),
    **dict.fromkeys(
        ("cluster create", "cluster deploy", "cluster destroy", "cluster undeploy"),
        "a cluster changes, which cluster status --json then shows",
    ),
    "completion": "its answer is a shell's script",
}


def leaves(of: Parser, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Parser]]:
    """Every verb that does something, by what is typed for it."""
    groups = [one for one in of._actions if isinstance(one, argparse._SubParsersAction)]
    if not groups:
        yield " ".join(path), of
    for group in groups:
        for name, one in group.choices.items():
            yield from leaves(one.loaded() if isinstance(one, LaterParser) else one, (*path, name))


VERBS = dict(leaves(parser()))


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_that_answers_does_so_as_json(name: str):
    """And says so in its help; no other verb takes the option to ignore it."""
    options = {option for action in VERBS[name]._actions for option in action.option_strings}

    assert ("--json" in options) is (name not in NO_ANSWER)


def test_no_exception_is_left_over():
    """Each is a verb that there is."""
    assert set(NO_ANSWER) <= set(VERBS)
