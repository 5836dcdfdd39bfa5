"""A scenario file's text is a scenario, or one line that says where it is wrong."""

import pytest

from k8s.errors import UsageError
from k8s.lab.design.scenario_text import parse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("catalog: [1, 1, 1]\n", "1: expected a key description"),
        ("description: x\n\ncatalogue: [1]\n", "3: catalogue: unknown key; known are description, zones, "),
        ("description: x\ncatalog: six\n", '2: catalog: expected a list, got "six"'),
        ("description: x\ncatalog:\n- 1\n- -1\n- 1\n", "4: catalog[1]: expected an integer >= 0, got -1"),
        (
            "description: x\npods:\n  catalog:\n    eu-west-1a: many\n",
            '4: pods.catalog.eu-west-1a: expected an integer, got "many"',
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
        (
            "rollout: 3\ncpu_milli:\n  a: 1\n  b: 0\n  c: x\n",
            "1: rollout: expected a mapping or nothing, got 3 (and 2 more)",
        ),
        (
            "description: x\nextra_nodes: [{name: x, cpu: 1}]\n",
            "2: extra_nodes[0].cpu: unknown key; known are name, z",
        ),
        (
            "description: x\nzones: [mars]\n",
            "2: zones[0]: expected text like '^[a-z0-9-]*[0-9][a-z]$', got \"mars\"",
        ),
        ("description: x\nui: []\n", "2: ui: expected a list of length >= 1, got []"),
        (
            "description: x\ncross_zone_delay_ms: .inf\n",
            "2: cross_zone_delay_ms: expected a number <= 3600000.0, got",
        ),
        ("description: [\n", "2: expected the node content"),
        ("", "1: expected a mapping, got null"),
    ],
)
def test_a_broken_file_is_one_line(text: str, said: str):
    """The file, the line, the key, and what was expected there."""
    with pytest.raises(UsageError) as caught:
        parse(text, "a/broken.yaml")

    assert str(caught.value).startswith(f"a/broken.yaml:{said}")
    assert "\n" not in str(caught.value)
