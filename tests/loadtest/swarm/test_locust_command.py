"""What a Locust process finds in a user's locustfile before anything is changed."""

from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.filemark import mark_of
from loadtest.swarm.locust_command import describe
from loadtest.worker.own_file import UserClass

USER = (
    "from locust import HttpUser, events, task\nclass Caller(HttpUser):\n    @task\n    def go(self): ...\n"
)


def test_a_file_is_described_by_its_classes_name_and_hash(tmp_path: Path):
    """Weights and counts; what it prints, and a locust.conf beside it, are no matter."""
    own = tmp_path / "load.py"
    own.write_text(f"print('hello')\n{USER}    weight = 2\nclass Admin(Caller):\n    fixed_count = 1\n")
    (tmp_path / "locust.conf").write_text("headless = true\nusers = many\n")
    found = describe(own)
    assert found.label == mark_of(own, own.read_bytes())
    assert found.classes == (
        UserClass(name="Caller", weight=2.0),
        UserClass(name="Admin", weight=2.0, fixed_count=1),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\ndef x(:\n", "load.py:2: SyntaxError: invalid syntax"),
        ("import os\n\nimport nothere\n", "load.py:3: ModuleNotFoundError: No module named 'nothere'"),
        ("import os\ndef f():\n    os.environ['NO_TOKEN']\nf()\n", "load.py:3: KeyError: 'NO_TOKEN'"),
        ("from locust import HttpUser\n", "no user class"),
        ("import sys\nsys.exit(3)\n", "Locust ended with code 3"),
        (
            USER + "@events.init_command_line_parser.add_listener\n"
            "def _(parser):\n    parser.add_argument('--seed')\n",
            "has its option --seed already; rename it",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, said: str):
    """Where the user's own code is wrong, by file and line."""
    own = tmp_path / "load.py"
    own.write_text(text)
    with pytest.raises(UsageError) as error:
        describe(own)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    """And so is one that is no Python file."""
    with pytest.raises(UsageError, match=r"nothing\.py: there is no such file"):
        describe(tmp_path / "nothing.py")
