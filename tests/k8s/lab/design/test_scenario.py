"""Scenario files become lab settings, or one clear line."""

from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.lab.design import scenario
from k8s.lab.design.settings import LabSettings, check
from k8s.topology import Zone


def settings(tmp_path: Path) -> LabSettings:
    return LabSettings(state_dir=tmp_path, api_port=0, xray_port=0)


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_that_comes_with_the_lab_can_be_built(name: str, tmp_path: Path):
    """It reads, it says what it is about, and its lab has no fault."""
    found = scenario.read(name)

    check(scenario.apply(found, settings(tmp_path)))
    assert len(found.description) > 40


def test_a_file_of_ones_own(tmp_path: Path):
    """A path instead of a name; ports and seeds stay those of the options."""
    path = tmp_path / "mine.yaml"
    path.write_text("description: mine\ncatalog: [1, 0, 4]\nextra_nodes: [{name: x, cpu_milli: 0}]\n")

    made = scenario.apply(scenario.read(str(path)), settings(tmp_path))

    assert (made.catalog_per_zone, made.catalog_replicas, made.api_port) == ((1, 0, 4), 5, 0)
    assert [(node.name, node.zone, node.cpu_milli) for node in made.extra_nodes] == [("x", None, 0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("catalog: [1, 1, 1]\n", "1: expected a key description"),
        ("description: x\n\ncatalogue: [1]\n", "3: catalogue: unknown key; known are description, zones, "),
        ("description: x\ncatalog: six\n", '2: catalog: expected a list, got "six"'),
        ("description: x\ncatalog:\n- 1\n- -1\n- 1\n", "4: catalog[1]: expected an integer >= 0, got -1"),
        (
            "description: x\npods:\n  catalog:\n    eu-west-1a: many\n",
            '4: pods.catalog.eu-west-1a: expected an integer >= 0, got "many"',
        ),
        (
            "description: x\npods:\n  ui: {mars: 1}\n",
            "3: pods.ui.mars: no such zone; the scenario has eu-west-1a",
        ),
        ("description: x\nui: [1]\n", "2: ui: expected 3 numbers, one for each zone, got 1"),
        (
            "description: x\nui: [1, 1, 1]\npods:\n  ui: {eu-west-1a: 1}\n",
            "2: ui: given here and as pods.ui; choose one",
        ),
        ("description: x\nextra_nodes:\n- zone: a\n", "3: extra_nodes[0]: expected a key name"),
        ("description: x\nui: [1, 1, 1]\nui: [2, 2, 2]\n", "3: ui: given twice"),
        ("description: &d x\nzones: [*d]\n", "2: *d: aliases are not read; write it out"),
        ("description: x\n1: 2\n", "2: 1: unknown key"),
        (
            "description: x\nkeep_alive: 3\nnodes_per_zone: no\n",
            "2: keep_alive: expected true or false, got 3 (and 1",
        ),
        (
            "description: x\ndelays: [{zones: [eu-west-1a, eu-west-1a], ms: 1}]\n",
            "2: delays[0].zones: expected two of the zones",
        ),
        ("description: [\n", "2: expected the node content"),
        ("", "1: expected a mapping, got null"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, said: str):
    """The file, the line, the key, and what was expected there."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        scenario.read(str(path))

    assert str(caught.value).startswith(f"{path}:{said}")
    assert "\n" not in str(caught.value)


def test_pods_can_be_given_by_zone(tmp_path: Path):
    """A zone that is not named gets none, and a workload that is not named what it always gets."""
    path = tmp_path / "mine.yaml"
    path.write_text("description: mine\npods: {catalog: {eu-west-1c: 4, eu-west-1a: 1}}\n")

    made = scenario.apply(scenario.read(str(path)), settings(tmp_path))

    assert (made.catalog_per_zone, made.ui_per_zone) == ((1, 0, 4), (1, 1, 1))


def test_the_latency_of_a_pair_of_zones_can_be_given(tmp_path: Path):
    """In milliseconds, whichever zone calls."""
    path = tmp_path / "mine.yaml"
    path.write_text("description: mine\ndelays: [{zones: [eu-west-1a, eu-west-1c], ms: 30}]\n")

    made = scenario.apply(scenario.read(str(path)), settings(tmp_path))

    assert made.delay_s(Zone("eu-west-1c"), Zone("eu-west-1a")) == 0.03
    assert made.delay_s(Zone("eu-west-1b"), Zone("eu-west-1a")) == 0.0006


def test_an_unknown_name_lists_the_known_ones():
    """A typing error gets the list."""
    with pytest.raises(UsageError, match="there are control-plane-node, cpu-2-1-1"):
        scenario.read("even-333")


def test_a_rollout_needs_something_to_roll_out(tmp_path: Path):
    """Starting with all pods is no rollout."""
    path = tmp_path / "mine.yaml"
    path.write_text("description: mine\nrollout: {start: 6}\n")

    with pytest.raises(UsageError, match="starts with 6 of 6 catalog pods"):
        check(scenario.apply(scenario.read(str(path)), settings(tmp_path)))
