"""Our reading of the published schema against a validator that knows all of JSON Schema."""

import copy
import random
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.lab.design import scenario
from k8s.lab.design.shape import flaws

SCHEMA = scenario.schema()
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
GOOD = [yaml.safe_load((scenario.FOLDER / f"{name}.yaml").read_text()) for name in scenario.names()]
FULL = {
    "description": "x",
    "zones": ["eu-west-1a", "eu-west-1b"],
    "nodes_per_zone": 2,
    "cpu_milli": {"eu-west-1a": 1},
    "pods": {"ui": {"eu-west-1a": 0}, "catalog": {}},
    "cross_zone_delay_ms": 0.5,
    "delays": [{"zones": ["eu-west-1a", "eu-west-1b"], "ms": 3}],
    "keep_alive": True,
    "extra_nodes": [{"name": "n", "zone": None, "cpu_milli": 0, "control_plane": True}],
    "rollout": {"start": 1, "every_s": 0},
}
ODD = [
    None,
    True,
    0,
    -1,
    1.0,
    1.5,
    -0.5,
    "",
    "eu-west-1a",
    "x",
    [],
    [1],
    ["a", "b", "c"],
    {},
    {"name": 1},
    10**12,
]


def test_the_schema_is_one() -> None:
    """By the rules of its own dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document", [*GOOD, FULL])
def test_what_is_good_has_no_flaw(document: Any) -> None:
    """All scenarios that come with the lab, and one that says everything."""
    assert (flaws(document, SCHEMA), list(JUDGE.iter_errors(document))) == ((), [])


def spoiled(document: Any, rng: random.Random) -> Any:
    """The document with one value, anywhere, replaced, removed or added."""
    found = copy.deepcopy(document)
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
@given(st.sampled_from([*GOOD, FULL]), st.randoms(use_true_random=False), st.integers(1, 3))
def test_both_find_flaws_in_the_same_documents(document: Any, rng: random.Random, times: int) -> None:
    """And the one that is named first is at a place that the other names, too."""
    for _ in range(times):
        document = spoiled(document, rng)
    found, judged = flaws(document, SCHEMA), list(JUDGE.iter_errors(document))
    assert bool(judged) == bool(found)
    places = {tuple(error.absolute_path) for error in judged}
    assert all(flaw.place in places or flaw.place[:-1] in places for flaw in found)


@given(
    st.recursive(
        st.sampled_from(ODD), lambda inner: st.dictionaries(st.text(max_size=3), inner) | st.lists(inner)
    )
)
def test_any_document_gets_the_same_verdict(document: Any) -> None:
    """Whatever it is."""
    assert bool(flaws(document, SCHEMA)) == (not JUDGE.is_valid(document))


def test_a_keyword_that_is_not_known_is_no_silent_pass() -> None:
    """A schema cannot ask for what nobody checks."""
    with pytest.raises(KeyError, match="maxLength"):
        flaws("x", {"type": "string", "maxLength": 3})
