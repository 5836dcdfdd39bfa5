"""Routing modes as Service patches."""

from dataclasses import replace

import pytest

from k8s.errors import UsageError
from k8s.routing.modes import (
    RoutingMode,
    RoutingSettings,
    conflicts,
    mode_of,
    parse_mode,
    patch_between,
    settings_for,
    settings_of,
)
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, Service


def service(*, mode: str | None = None, old: str | None = None, field: str | None = None) -> Service:
    annotations = {TOPOLOGY_MODE_ANNOTATION: mode, OLD_HINTS_ANNOTATION: old, "team": "shop"}
    return Service(
        namespace="catalog",
        name="catalog",
        annotations=tuple(sorted((key, value) for key, value in annotations.items() if value is not None)),
        traffic_distribution=field,
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (service(), RoutingMode.OFF),
        (service(mode="Auto"), RoutingMode.TAR),
        (service(mode="auto"), RoutingMode.TAR),
        (service(mode="AUTO"), RoutingMode.OFF),
        (service(old="Auto"), RoutingMode.TAR),
        (service(mode="Auto", old="Disabled"), RoutingMode.OFF),
        (service(field="PreferClose"), RoutingMode.PREFER_CLOSE),
        (service(mode="Auto", field="PreferSameZone"), RoutingMode.TAR),
        (service(mode="Disabled", field="PreferSameNode"), RoutingMode.PREFER_SAME_NODE),
    ],
)
def test_mode_of_follows_precedence(given: Service, expected: RoutingMode):
    """The old key beats the new one, an Auto annotation beats the field."""
    assert expected is mode_of(given)


@pytest.mark.parametrize("mode", list(RoutingMode))
@pytest.mark.parametrize(
    "start",
    [
        service(),
        service(mode="Auto"),
        service(old="Disabled"),
        service(old="Auto", field="PreferClose"),
        service(mode="Disabled", field="PreferSameNode"),
    ],
)
def test_settings_for_puts_the_mode_in_force_and_the_patch_back_restores(start: Service, mode: RoutingMode):
    """From every start every mode takes force, and the reverse patch gives exactly what was there."""
    before = settings_of(start)

    wanted = settings_for(mode, before)
    after = apply(start, patch_between(before, wanted))

    assert mode is mode_of(after)
    assert start == apply(after, patch_between(settings_of(after), before))


def apply(target: Service, patch: dict | None) -> Service:
    """A JSON merge patch on the fields we use."""
    if patch is None:
        return target
    annotations = dict(target.annotations)
    for key, value in patch.get("metadata", {}).get("annotations", {}).items():
        if value is None:
            del annotations[key]
        else:
            annotations[key] = value
    field = patch.get("spec", {}).get("trafficDistribution", target.traffic_distribution)
    return Service(
        namespace=target.namespace,
        name=target.name,
        annotations=tuple(sorted(annotations.items())),
        traffic_distribution=field,
    )


def test_nothing_to_change_is_no_patch():
    """A Service that has the mode already is left alone."""
    current = RoutingSettings(topology_mode="Auto")

    assert patch_between(current, settings_for(RoutingMode.TAR, current)) is None


def test_tar_names_only_the_annotation():
    """The patch for TAR is the annotation of the article and nothing else."""
    patch = patch_between(RoutingSettings(), settings_for(RoutingMode.TAR, RoutingSettings()))

    assert patch == {"metadata": {"annotations": {TOPOLOGY_MODE_ANNOTATION: "Auto"}}}


def test_conflicting_knobs_are_named():
    """Annotation and field together, and both annotation keys together, are each a warning."""
    found = conflicts(service(mode="Auto", field="PreferClose"))
    both_keys = conflicts(service(mode="Auto", old="Auto"))

    assert ["the annotation wins" in text for text in found] == [True]
    assert ["the old key wins" in text for text in both_keys] == [True]
    assert conflicts(service(mode="Auto")) == ()


def test_a_local_traffic_policy_bypasses_hints():
    """internalTrafficPolicy: Local is said, whatever the mode."""
    (text,) = conflicts(replace(service(mode="Auto"), internal_traffic_policy="Local"))

    assert "bypasses hints" in text


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("tar", RoutingMode.TAR),
        ("TAR", RoutingMode.TAR),
        ("PreferSameZone", RoutingMode.PREFER_SAME_ZONE),
        ("Prefer-Close", RoutingMode.PREFER_CLOSE),
    ],
)
def test_a_mode_in_any_case(text: str, mode: RoutingMode):
    """Also as the field of the Service spells it."""
    assert parse_mode(text) is mode


@pytest.mark.parametrize(
    ("text", "meant"), [("tarr", "tar"), ("Auto", "tar"), ("prefer-closer", "prefer-close")]
)
def test_a_mode_that_was_meant_is_named(text: str, meant: str):
    """A typing error, and the value of the annotation."""
    with pytest.raises(UsageError, match=rf"'{text}' is not known; did you mean {meant}\?"):
        parse_mode(text)


def test_an_unknown_mode_names_the_choices():
    """Where none is like it."""
    with pytest.raises(UsageError, match=r"'fast' is not known; choose one of off, tar, prefer-close"):
        parse_mode("fast")
