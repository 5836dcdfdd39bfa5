"""A profile of one's own, as a YAML file says it; the built-in ones by name.

The types below are the one declaration of the file's shape: they convert, and ``profile.schema.json`` is made
of them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from analysis.source.interface import CountUnit, Grain
from analysis.source.prometheus.profiles import BUILT_IN, Profile
from k8s.errors import UsageError
from k8s.model import yaml_text
from k8s.model.nearest import hint
from k8s.model.yaml_text import Flaw, Place

MOST_BYTES: Final = 1 << 20
_MATCHER: Final = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*\s*(=|!=|=~|!~)\s*"(?:[^"\\]|\\.)*"')
_UNITS_S: Final = {"seconds": 1.0, "milliseconds": 0.001}

LabelName = Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]
MetricName = Annotated[str, Meta(pattern="^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
Choice = (
    LabelName
    | Annotated[
        tuple[LabelName, ...], Meta(min_length=1, description="The first that says something counts.")
    ]
)


class SideEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which labels tell one side of a call."""

    name: Annotated[Choice, Meta(description="Labels of its name.")]
    namespace: LabelName | UnsetType = UNSET
    zone: LabelName | UnsetType = UNSET


class LocalityEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label that says whether both sides are in one zone."""

    label: LabelName
    same: Annotated[
        tuple[str, ...], Meta(min_length=1, description="Its values that mean: in the zone stated.")
    ]


class OutcomesEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label that says how a call ended."""

    label: LabelName
    faults: Annotated[str, Meta(description="A regular expression of values like 5xx, or no answer.")] = ""
    errors: Annotated[str, Meta(description="A regular expression of values like 4xx.")] = ""


class LatencyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counters of response times with the same labels."""

    unit: Literal["seconds", "milliseconds"] = "seconds"
    sum: MetricName | UnsetType = UNSET
    buckets: Annotated[MetricName, Meta(description="A classic histogram: NAME_bucket.")] | UnsetType = UNSET


class ProfileFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What --profile reads, as YAML."""

    like: Annotated[str, Meta(description="A built-in profile; what is said here replaces its.")] = ""
    metric: (
        Annotated[str, Meta(description="A counter's name, or with pattern a regular expression.")]
        | UnsetType
    ) = UNSET
    pattern: Annotated[bool, Meta(description="The metric's group zones holds both zones.")] | UnsetType = (
        UNSET
    )
    unit: CountUnit | UnsetType = UNSET
    grain: Annotated[Grain, Meta(description="What the names are.")] | UnsetType = UNSET
    client: SideEntry | UnsetType = UNSET
    server: SideEntry | UnsetType = UNSET
    locality: LocalityEntry | UnsetType = UNSET
    filters: Annotated[tuple[str, ...], Meta(description='Such as reporter="source".')] | UnsetType = UNSET
    unknown: Annotated[tuple[str, ...], Meta(description="Values that mean: not known.")] | UnsetType = UNSET
    outcomes: OutcomesEntry | UnsetType = UNSET
    latency: LatencyEntry | UnsetType = UNSET
    losses: (
        Annotated[tuple[MetricName, ...], Meta(description="Counters of what was dropped.")] | UnsetType
    ) = UNSET
    multiplier: (
        Annotated[int, Meta(ge=1, le=1_000_000, description="Of how many one is counted.")] | UnsetType
    ) = UNSET
    ha_labels: (
        Annotated[tuple[LabelName, ...], Meta(description="What tells servers that scrape the same apart.")]
        | UnsetType
    ) = UNSET
    trap: Annotated[str, Meta(description="How these counts mislead; a sentence.")] | UnsetType = UNSET


def profile_named(text: str) -> Profile:
    """The built-in profile of that name, or the one in the YAML file of that path; UsageError for neither."""
    if text.lower() in BUILT_IN:
        return BUILT_IN[text.lower()]
    path = Path(text)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise UsageError(f"reading profile {text}: larger than {MOST_BYTES} bytes; is it another file?")
        return parse(raw.decode(), text)
    except UnicodeDecodeError:
        raise UsageError(f"reading profile {text}: not UTF-8 text") from None
    except OSError as error:
        raise UsageError(
            f"profile {text!r}: no file to read ({error.strerror or error}), and no built-in one"
            f"{hint(text, BUILT_IN) or '; there are ' + ', '.join(BUILT_IN)}"
        ) from None


def parse(text: str, path: str) -> Profile:
    """The profile in the file *path*; UsageError names the file, the line, the key and what is wrong."""
    found = yaml_text.parse(text, path, ProfileFile, misfits=misfits)
    base = BUILT_IN.get(found.like) or _blank()
    changed: dict[str, Any] = {"name": Path(path).stem, **_plain(found)}
    for side, entry in (("client", found.client), ("server", found.server)):
        if entry is not UNSET:
            changed[side] = (entry.name,) if isinstance(entry.name, str) else entry.name
            changed[f"{side}_namespace"] = entry.namespace or ""
            changed[f"{side}_zone"] = entry.zone or ""
    if found.locality is not UNSET:
        changed |= {"locality": found.locality.label, "local": found.locality.same}
    if found.outcomes is not UNSET:
        changed |= {"error_label": found.outcomes.label}
        changed |= {"fault_values": found.outcomes.faults, "error_values": found.outcomes.errors}
    if found.latency is not UNSET:
        changed |= {"latency_sum": found.latency.sum or "", "latency_buckets": found.latency.buckets or ""}
        changed |= {"latency_unit_s": _UNITS_S[found.latency.unit]}
    return replace(base, **changed)


def schema_text() -> str:
    """The shape as JSON Schema 2020-12, as ``profile.schema.json`` publishes it."""
    return yaml_text.schema_text(
        ProfileFile, name="profile", title="How samezone reads calls off a Prometheus metric"
    )


def misfits(found: ProfileFile) -> Iterator[Flaw]:
    """What the types of the file's parts cannot say."""
    if found.like and found.like not in BUILT_IN:
        yield ("like",), f"no built-in profile; there are {', '.join(BUILT_IN)}"
    if not found.like:
        for key in ("metric", "unit", "grain", "client", "server"):
            if getattr(found, key) is UNSET:
                yield (), f"expected a key {key}, or like: with a built-in profile that has it"
    yield from _odd_metric(found)
    for index, matcher in enumerate(found.filters or ()):
        if not _MATCHER.fullmatch(matcher):
            yield ("filters", index), f'expected LABEL="VALUE", or with !=, =~ or !~, got {matcher[:60]}'
    if found.outcomes is not UNSET:
        yield from _odd_expression(("outcomes", "faults"), found.outcomes.faults)
        yield from _odd_expression(("outcomes", "errors"), found.outcomes.errors)


def _odd_metric(found: ProfileFile) -> Iterator[Flaw]:
    base = BUILT_IN.get(found.like)
    metric = found.metric or (base.metric if base else "")
    is_pattern = (base is not None and base.is_pattern) if found.pattern is UNSET else found.pattern
    if not metric:
        return
    if not is_pattern:
        if not re.fullmatch("[a-zA-Z_:][a-zA-Z0-9_:]*", metric):
            yield ("metric",), "not a metric's name; for several metrics say pattern: true"
        return
    if wrong := tuple(_odd_expression(("metric",), metric)):
        yield from wrong
    elif "zones" not in re.compile(metric).groupindex:
        yield ("metric",), "expected a group (?P<zones>...) where the two zones stand"


def _odd_expression(place: Place, text: str) -> Iterator[Flaw]:
    try:
        re.compile(text)
    except re.error as error:
        yield place, f"no regular expression: {error}"


def _plain(found: ProfileFile) -> dict[str, Any]:
    """What is called the same in a profile."""
    names = ("metric", "unit", "grain", "filters", "unknown", "losses", "multiplier", "ha_labels", "trap")
    said = {name: getattr(found, name) for name in names if getattr(found, name) is not UNSET}
    return said if found.pattern is UNSET else said | {"is_pattern": found.pattern}


def _blank() -> Profile:
    """Says nothing; what a file without ``like`` starts from."""
    return Profile(
        name="",
        metric="",
        unit=CountUnit.REQUESTS,
        grain=Grain.WORKLOAD,
        client=(),
        server=(),
        trap="A profile of your own: nobody has checked what its metric counts.",
    )
