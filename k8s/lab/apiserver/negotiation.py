"""What the caller wants back: its Accept header against what is written here."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from k8s.lab.apiserver import statuses


class Form(Enum):
    """The forms an answer can take; all of them are JSON."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"
    GROUP_LIST = "APIGroupDiscoveryList"


META_FORMS = (Form.TABLE, Form.METADATA, Form.METADATA_LIST)
"""The forms an object or a list can be turned into (group ``meta.k8s.io``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """The form to answer in, and the version of that form's group."""

    form: Form = Form.OBJECT
    group: str = ""
    version: str = ""


_JSON = frozenset({"application/json", "application/*", "*/*"})
_VERSIONS = {
    "meta.k8s.io": ("v1", "v1beta1"),
    "apidiscovery.k8s.io": ("v2", "v2beta1"),
}
_GROUPS = dict.fromkeys(META_FORMS, "meta.k8s.io") | {Form.GROUP_LIST: "apidiscovery.k8s.io"}


def wanted(accept: str, forms: tuple[Form, ...] = ()) -> Negotiated:
    """The first clause of *accept* that can be met, by descending q; StatusError 406 if there is none.

    *forms* are those that the resource asked for can take beside the plain object. Protobuf is not
    written, so a list with protobuf first and JSON second gets JSON.
    """
    if not accept.strip():
        return Negotiated()
    for media_type, parameters in _clauses(accept):
        if media_type not in _JSON:
            continue
        asked = parameters.get("as", "")
        if not asked:
            return Negotiated()
        form = next((form for form in forms if form.value == asked), None)
        if form is None:
            continue
        group, version = parameters.get("g", ""), parameters.get("v", "")
        if group == _GROUPS[form] and version in _VERSIONS[group]:
            return Negotiated(form=form, group=group, version=version)
    raise statuses.not_acceptable(["application/json"])


def _clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    found = list(_parsed(accept))
    found.sort(key=lambda clause: -_quality(clause[1]))  # stable: equal ones stay in order
    return [clause for clause in found if _quality(clause[1]) > 0]


def _parsed(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    for clause in accept.split(","):
        media_type, *rest = clause.split(";")
        pairs = (part.partition("=") for part in rest)
        yield media_type.strip().lower(), {key.strip(): value.strip() for key, _, value in pairs}


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 1.0
