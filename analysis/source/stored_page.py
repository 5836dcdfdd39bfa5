"""An answer that was stored, as its bytes: whoever knows its form decodes it without a step in between."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from k8s.commandline.json_text import decode

_OBJECTS: Final = msgspec.json.Decoder(dict[str, Any])


class StoredPage(Mapping[str, Any]):
    """A page of ``graph.json``; to all that do not know its form it is the JSON object.

    UsageError where it is none.
    """

    def __init__(self, data: msgspec.Raw) -> None:
        self.data = data

    def __getitem__(self, key: str) -> Any:
        return self._plain[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    @cached_property
    def _plain(self) -> dict[str, Any]:
        return decode(_OBJECTS, self.data, "reading an answer of graph.json", "was it edited?")
