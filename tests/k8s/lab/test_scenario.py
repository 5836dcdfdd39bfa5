"""Scenario files become lab settings, or one clear line."""

from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.lab import scenario
from k8s.lab.settings import LabSettings, check


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
    ("text", "message"),
    [
        ("catalog: [1, 1, 1]\n", "missing required field `description`"),
        ("description: x\ncatalogue: [1]\n", "unknown field `catalogue`"),
        ("description: x\ncatalog: six\n", r"Expected `array`, got `str` - at `\$\.catalog`"),
        (
            "description: x\nextra_nodes: [{zone: a}]\n",
            r"missing required field `name` - at `\$\.extra_nodes",
        ),
        ("description: [\n", "while parsing"),
        ("", "Expected `object`, got `null`"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, message: str):
    """The file and the key."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)

    with pytest.raises(UsageError, match=message) as caught:
        scenario.read(str(path))

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


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
