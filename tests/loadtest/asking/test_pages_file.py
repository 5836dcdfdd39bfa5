"""A file of pages is pages, or one line that says where it is wrong."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from k8s.errors import UsageError
from loadtest.asking import pages_file
from loadtest.worker.plan import IdSource, Page

EXAMPLES = Path(__file__).parent / "pages"
SCHEMA = Path(pages_file.__file__).with_name("pages.schema.json")
JUDGE = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def test_the_published_schema_is_made_of_the_types():
    """Write ``loadtest.asking.pages_file.schema_text()`` to the file when this fails."""
    assert SCHEMA.read_text() == pages_file.schema_text()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_example_files_are_read_and_fit_the_schema(path: Path):
    """What a shop, an API with a token and a list of addresses look like."""
    assert list(JUDGE.iter_errors(yaml.safe_load(path.read_text()))) == []
    assert len(pages_file.parse(path.read_text(), str(path))) >= 3


def test_what_a_file_says_becomes_a_page():
    """A body that is a mapping is JSON and says so; numbers are ids; one status is a list of one."""
    (listed, made, plain) = pages_file.parse((EXAMPLES / "api.yaml").read_text(), "api.yaml")

    assert listed == Page(
        name="list", path="/orders", weight=1, headers=(("Authorization", "Bearer ${env:ORDERS_TOKEN}"),)
    )
    assert made == Page(
        name="order",
        path="/orders",
        weight=3,
        method="POST",
        headers=(("Authorization", "Bearer ${env:ORDERS_TOKEN}"), ("Content-Type", "application/json")),
        body='{"like":"{id}","lines":[{"sku":"A-1","count":2}]}',
        is_json=True,
        expected=(201, 409),
        source=IdSource(page="list", json="orders[].id"),
    )
    assert plain == Page(name="note", path="/notes/{id}", weight=1, method="PUT", body="hi", ids=("7", "8"))


FRONT = "pages:\n- name: front\n  path: /\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- name: a\n", '1: expected a mapping, got [{"name": "a"}]'),
        ("pages:\n- name: a\n", "2: pages[0]: expected a key path"),
        (
            FRONT + "  wieght: 2\n",
            "4: pages[0].wieght: unknown key; known are name, path, method, headers, b",
        ),
        (FRONT + "  weight: -1\n", "4: pages[0].weight: expected an integer >= 0, got -1"),
        (FRONT + "  weight: 0\n", "4: pages[0].weight: 0, and no page takes ids from it"),
        (FRONT + "- name: front\n  path: /b\n", "4: pages[1].name: a second page of the name front"),
        ("pages:\n- name: a\n  path: b\n", "3: pages[0].path: expected text like '^/[!-~]*$', got"),
        (FRONT + "  status: [200, 99]\n", "4: pages[0].status[1]: expected an integer >= 100, got 99"),
        ("pages:\n- name: a\n  path: /{id}\n", "2: pages[0]: it has {id}; say its values by ids or from"),
        (FRONT + "  ids: [1]\n", "4: pages[0].ids: no {id} in its path or body"),
        (
            FRONT + "- name: b\n  path: /{id}\n  from: {page: fornt, regex: x}\n",
            "6: pages[1].from.page: no such page; there are front, b",
        ),
        (
            FRONT + "- name: b\n  path: /{id}\n  from:\n    page: front\n    regex: '(x'\n",
            "8: pages[1].from.regex: regex '(x': missing )",
        ),
        (
            FRONT + "- name: b\n  path: /{id}\n  from: {page: front}\n",
            "6: pages[1].from: expected one of regex",
        ),
        (
            FRONT + "- name: b\n  path: /{id}\n  from: {page: b, json: 'a[0]'}\n",
            "6: pages[1].from.json: expected keys and [] for each item",
        ),
        (
            "pages:\n- name: a\n  path: /x?token=${env:TOKEN}\n",
            "3: pages[0].path: variables go into headers and body: every trace and log would show them here",
        ),
        (FRONT + "  body: {a: '${env:A-B}'}\n", "4: pages[0].body: expected ${env:NAME}"),
        (FRONT + "  body: '${env:LOCUST_X}'\n", "4: pages[0].body: LOCUST_X is the load generators' own"),
        (FRONT + "  body: {day: 2026-01-02}\n", "4: pages[0].body: no JSON: Object of type date"),
        (
            FRONT + "  headers:\n    X-A: b\n    Traceparent: x\n",
            "6: pages[0].headers.Traceparent: the load generator sets it itself",
        ),
        (FRONT + "  headers: {X-A: 'a\\u20ac'}\n".replace("'", '"'), "4: pages[0].headers.X-A: not fit for"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(text: str, said: str):
    """The file, the line, the key, and what to write."""
    with pytest.raises(UsageError) as caught:
        pages_file.parse(text, "p.yaml")
    assert str(caught.value).startswith(f"p.yaml:{said}")
    assert "\n" not in str(caught.value)
