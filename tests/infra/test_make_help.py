"""What ``make`` alone prints."""

import re
import subprocess

from tests.infra.rendered import REPO


def test_every_verb_is_there_once_and_fits_a_terminal():
    """In groups, in the order of a person's work: the whole job first, the tests last."""
    done = subprocess.run(["make", "help"], cwd=REPO, capture_output=True, text=True, check=True)
    shown = re.findall(r"^  make ([a-z-]+) +\S", done.stdout, flags=re.MULTILINE)
    verbs = re.findall(r"^([a-z-]+):.*## ", (REPO / "Makefile").read_text(), flags=re.MULTILINE)

    assert sorted(shown) == sorted(verbs)
    assert shown.index("demo") < shown.index("baseline") < shown.index("up") < shown.index("test")
    assert max(map(len, done.stdout.splitlines())) <= 80
