"""What names, labels and annotations may look like (upstream ``apimachinery/pkg/util/validation``)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8s.lab.apiserver import faults
from k8s.lab.apiserver.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """A pattern, and the words that explain it."""

    pattern: re.Pattern[str]
    why: str

    def check(self, field: str, value: str) -> Iterator[Fault]:
        """The fault, if the value does not fit."""
        if not self.pattern.fullmatch(value):
            yield faults.invalid(field, value, self.why)


LABEL_NAME = NameRule(
    pattern=re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"),
    why="a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
)
SERVICE_NAME = NameRule(
    pattern=re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"),
    why="a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex "
    "used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
)
SUBDOMAIN = NameRule(
    pattern=re.compile(
        r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
    ),
    why="a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
)
LABEL_VALUE = NameRule(
    pattern=re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"),
    why="a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
)
QUALIFIED_NAME = NameRule(
    pattern=re.compile(
        r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
    ),
    why="name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
)


def check_metadata(metadata: Mapping[str, Any], rule: NameRule) -> Iterator[Fault]:
    """The faults of an object's name, labels and annotations."""
    if metadata["name"]:
        yield from rule.check("metadata.name", metadata["name"])
    else:
        yield faults.required("metadata.name", "name or generateName is required")
    yield from check_labels("metadata.labels", metadata.get("labels", {}))
    for key in metadata.get("annotations", {}):
        yield from QUALIFIED_NAME.check("metadata.annotations", key.lower())


def check_labels(field: str, labels: Mapping[str, str]) -> Iterator[Fault]:
    """The faults of labels, or of a selector made of them."""
    for key, value in labels.items():
        yield from QUALIFIED_NAME.check(field, key)
        yield from LABEL_VALUE.check(field, value)
