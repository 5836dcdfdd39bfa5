"""Values as JSON for a program: what a verb answers, and what an artifact holds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from k8s.errors import UsageError

T = TypeVar("T")


def as_json(answer: Any) -> str:
    """Of dataclasses and plain values; indented, with a name for every field."""
    return indented(answer, _plain).decode()


def indented(value: Any, otherwise: Callable[[Any], Any]) -> bytes:
    """A value (dataclasses, sequences, numbers) as indented JSON.

    A sequence of a kind of its own is a list, as JSON's own are; *otherwise* makes something plain of what
    else JSON has no word for, or raises.
    """

    def plain(one: Any) -> Any:
        return tuple(one) if isinstance(one, Sequence) else otherwise(one)

    return msgspec.json.format(msgspec.json.encode(value, enc_hook=plain), indent=1)


def _plain(value: Any) -> Any:
    """What JSON has no word for: paths, and whatever prints itself."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw, doing: str, what_then: str) -> T:
    """A value of an artifact; UsageError says what was being done, why it is none, and *what_then*."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise UsageError(f"{doing}: {error}; {what_then}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{doing}: not valid JSON ({error}); it may be truncated") from error
    except RecursionError as error:
        raise UsageError(f"{doing}: nested too deeply to be one of our artifacts") from error
    except UsageError as error:  # a value that checks itself
        raise UsageError(f"{doing}: {error}") from error
