"""How a help page is laid out: a short usage, verbs on one line each, every default shown."""

import argparse
import textwrap
from collections.abc import Iterable
from typing import Any, Final

from k8s.commandline import quantities

MOST_OPTIONS: Final = 6
"""In a usage line; of a verb with more, the usage says that there are options, and the page lists them."""


class HelpText(argparse.HelpFormatter):
    """argparse's own page, with what a reader of it asks for next."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """One line: options by name where they are few."""
        shown = [one for one in actions if one.help is not argparse.SUPPRESS]
        optional = [one for one in shown if one.option_strings and not one.required]
        if usage is None and len(optional) > MOST_OPTIONS:
            words = [self._word(one) for one in shown if one not in optional]
            usage = " ".join([self._prog, *words, "[options]"]).replace("%", "%%")
        super().add_usage(usage, shown, groups, prefix)

    def _word(self, action: argparse.Action) -> str:
        """What is given by its place, or by an option that has to be given."""
        word = self._metavar_formatter(action, action.dest)(1)[0]
        if action.option_strings:
            return f"{action.option_strings[0]} {word}"
        if action.nargs == argparse.OPTIONAL:
            return f"[{word}]"
        return f"{word} [{word} ...]" if action.nargs == argparse.ONE_OR_MORE else word

    def add_argument(self, action: argparse.Action) -> None:
        """A verb is indented below its heading, which argparse forgets when it measures."""
        super().add_argument(action)
        if action.choices is not None and action.nargs == argparse.PARSER:
            longest = max(map(len, action.choices), default=0)
            self._action_max_length = max(self._action_max_length, longest + self._indent_increment)

    def _format_action(self, action: argparse.Action) -> str:
        """Of verbs only they themselves: their heading says what they are."""
        if action.nargs != argparse.PARSER:
            return super()._format_action(action)
        verbs: Iterable[argparse.Action] = action._get_subactions()  # type: ignore[attr-defined]  # noqa: SLF001
        return "".join(map(self._format_action, verbs))

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Names with hyphens stay whole: they are to be copied."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False, break_long_words=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in self._split_lines(text, width - len(indent)))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        """The help, and the default where there is one that it does not say itself."""
        text = action.help or ""
        value = shown_default(action)
        if value is None or "default" in text or not action.option_strings:
            return text
        return f"{text}{' ' if text else ''}(default: {value.replace('%', '%%')})"


def shown_default(action: argparse.Action) -> str | None:
    """The default as it would be typed; None where there is none."""
    value: Any = action.default
    # A default may be wrapped, so that it is told from the same value given by a person.
    value = getattr(value, "value", value)
    if action.nargs == 0 or value is None or value is argparse.SUPPRESS or str(value) in {"", "[]", "()"}:
        return None
    if isinstance(value, float):
        is_time = action.type in (quantities.seconds, quantities.some_seconds)
        return f"{value:g}{'s' if is_time else ''}"
    return str(value)
