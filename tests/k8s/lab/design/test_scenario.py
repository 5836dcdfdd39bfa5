"""Scenario files become lab settings."""

import pytest

from k8s.errors import UsageError
from k8s.lab.design.scenario import apply
from k8s.lab.design.scenario_text import parse
from k8s.lab.design.settings import LabSettings, check
from k8s.lab.design.store_app import store
from k8s.topology import Zone


def settings_of(text: str) -> LabSettings:
    return apply(parse(text, "mine.yaml"), LabSettings(state_dir="unused", api_port=0, xray_port=0))


def test_a_file_of_ones_own():
    """Ports and seeds stay those of the options."""
    made = settings_of("description: mine\ncatalog: [1, 0, 4]\nextra_nodes: [{name: x, cpu_milli: 0}]\n")

    assert (made.app, made.api_port) == (store(catalog=(1, 0, 4), ui=(1, 1, 1)), 0)
    assert [(node.name, node.zone, node.cpu_milli) for node in made.extra_nodes] == [("x", None, 0)]


def test_pods_can_be_given_by_zone():
    """A zone that is not named gets none, and a workload that is not named what it always gets."""
    made = settings_of("description: mine\npods: {catalog: {eu-west-1c: 4, eu-west-1a: 1}}\n")

    assert made.app == store(catalog=(1, 0, 4), ui=(1, 1, 1))


def test_the_latency_of_a_pair_of_zones_can_be_given():
    """In milliseconds, whichever zone calls."""
    made = settings_of("description: mine\ndelays: [{zones: [eu-west-1a, eu-west-1c], ms: 30}]\n")

    assert made.delay_s(Zone("eu-west-1c"), Zone("eu-west-1a")) == 0.03
    assert made.delay_s(Zone("eu-west-1b"), Zone("eu-west-1a")) == 0.0006


def test_a_rollout_needs_something_to_roll_out():
    """Starting with all pods is no rollout."""
    with pytest.raises(UsageError, match="starts with 6 of 6 pods of catalog/catalog"):
        check(settings_of("description: mine\nrollout: {start: 6}\n"))
