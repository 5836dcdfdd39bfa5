"""The scenario files that come with the lab, and the schema that is published with them."""

import copy
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.errors import UsageError
from k8s.lab import scenario_files
from k8s.lab.design.scenario import apply, schema_text
from k8s.lab.design.scenario_text import parse
from k8s.lab.design.settings import LabSettings, check

SCHEMA = yaml.safe_load(scenario_files.SCHEMA.read_text())
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
FULL = """
description: x
zones: [eu-west-1a, eu-west-1b]
nodes_per_zone: 2
cpu_milli: {eu-west-1a: 1}
pods:
  ui: {eu-west-1a: 0}
  catalog: {}
cross_zone_delay_ms: 0.5
delays: [{zones: [eu-west-1a, eu-west-1b], ms: 3}]
keep_alive: true
extra_nodes: [{name: n, zone: null, cpu_milli: 0, control_plane: true}]
rollout: {start: 1, every_s: 0}
"""
FULL_APP = """
description: x
zones: [eu-west-1a, eu-west-1b]
app:
  entry: shop/front
  workloads:
  - namespace: shop
    name: front
    pods: [1, 0]
    calls: [{to: shop/back, path: /x, times: 1.5}]
    routes: [{path: "/{id}", calls: [{to: shop/back}], response_bytes: 0, think_ms: 0.5}]
    response_bytes: 1
    think_ms: 1
    keep_alive: true
    rate_per_s: 0.5
  - {namespace: shop, name: back, pods: {eu-west-1a: 2}, database: true}
rollout: {start: 1, every_s: 0, workload: shop/back}
"""
MISFITS = (
    *("choose one", "one for each zone", "no such zone", "of the zones", "no workload", "at least one pod"),
    *("go in a circle", "is there already", "no default calls", "of the app store", "whether a pod is well"),
)
"""What is said of parts that do not fit each other."""
GOOD = [*(scenario_files.FOLDER / f"{name}.yaml" for name in scenario_files.names()), FULL, FULL_APP]
ODD = [
    *(None, True, 0, -1, 1.0, 1.5, -0.5, "", "eu-west-1a", "x", [], [1], ["a", "b", "c"], {}, {"name": 1}),
    *(10**12, 1e300, [[]], {"ui": {"eu-west-1a": "x"}}),
]


def document(good: Path | str) -> Any:
    return yaml.safe_load(good if isinstance(good, str) else good.read_text())


def test_the_published_schema_is_made_of_the_types() -> None:
    """Write ``k8s.lab.design.scenario.schema_text()`` to the file when this fails."""
    assert scenario_files.SCHEMA.read_text() == schema_text()


def test_the_schema_is_one() -> None:
    """By the rules of its own dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("good", GOOD)
def test_what_is_good_is_good_by_the_schema(good: Path | str) -> None:
    """All scenarios that come with the lab, and one that says everything."""
    assert list(JUDGE.iter_errors(document(good))) == []
    parse(good if isinstance(good, str) else good.read_text(), "x.yaml")


@pytest.mark.parametrize("name", scenario_files.names())
def test_every_scenario_that_comes_with_the_lab_can_be_built(name: str) -> None:
    """It reads, it says what it is about, and its lab has no fault."""
    found = scenario_files.read(name)

    check(apply(found, LabSettings(state_dir="unused", api_port=0, xray_port=0)))
    assert len(found.description) > 40


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A typing error gets the name that was meant; what is like none gets the list."""
    with pytest.raises(UsageError, match=r"did you mean even-3-3-3\?"):
        scenario_files.read("even-333")
    with pytest.raises(UsageError, match="there are chain, control-plane-node, cpu-2-1-1"):
        scenario_files.read("bookinfo")


def spoiled(whole: Any, rng: random.Random) -> Any:
    """The document with one value, anywhere, replaced, removed or added."""
    found = copy.deepcopy(whole)
    inner = found
    while isinstance(inner, dict | list) and inner:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = rng.choice(keys)
        if rng.random() < 0.5 or not isinstance(inner[key], dict | list):
            match rng.randrange(3):
                case 0:
                    inner[key] = rng.choice(ODD)
                case 1:
                    del inner[key]
                case _ if isinstance(inner, dict):
                    inner["more"] = rng.choice(ODD)
                case _:
                    inner.append(rng.choice(ODD))
            break
        inner = inner[key]
    return found


@settings(max_examples=300)
@given(st.sampled_from(GOOD), st.randoms(use_true_random=False), st.integers(1, 3))
def test_a_file_is_refused_where_the_schema_refuses_it(
    good: Path | str, rng: random.Random, times: int
) -> None:
    """By a validator that knows all of JSON Schema; and we name a place that it names, too."""
    found = document(good)
    for _ in range(times):
        found = spoiled(found, rng)
    errors = list(JUDGE.iter_errors(found))
    said = complaint(found)
    if errors:
        assert said
        assert any(place in said for error in flat(errors) for place in places(error))
    # What fits the schema may still have parts that do not fit each other.
    else:
        assert said is None or any(word in said for word in MISFITS)


def complaint(whole: Any) -> str | None:
    """What is said of a document; None if nothing."""
    try:
        parse(yaml.safe_dump(whole), "x.yaml")
    except UsageError as error:
        return str(error)
    return None


def flat(errors: list[Any]) -> list[Any]:
    """The errors, and those of the alternatives they consist of."""
    return [one for error in errors for one in (error, *flat(error.context or []))]


def places(error: Any) -> list[str]:
    """How a message of ours begins that is about this error."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    place = steps.removeprefix(".")
    inside = error.instance if isinstance(error.instance, dict) else {}
    found = [f": {place}: "] + [f": {f'{place}.{key}'.removeprefix('.')}: unknown key" for key in inside]
    return found if place else [*found, ":1: expected a"]
