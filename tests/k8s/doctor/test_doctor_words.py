"""Every finding as a person reads it: code, meaning, evidence, fix."""

from pathlib import Path

from k8s.doctor.doctor_text import as_text
from k8s.doctor.examination import diagnose
from k8s.doctor.place import place_of
from tests.k8s.doctor.doctor_cases import CASES, KEY

GOLDEN = Path(__file__).with_name("doctor_golden.txt")
"""To renew it after reading the difference: ``python -m tests.k8s.doctor.test_doctor_words``."""


def words() -> str:
    """All sick places, one after the other."""
    parts = []
    for code, case in CASES.items():
        found = diagnose(place_of(case.sick), KEY, case.client, store_pools=case.pools)
        parts.append("\n".join((f"== {code}", *as_text(found, source="a test"))))
    return "\n\n".join(parts) + "\n"


def test_words() -> None:
    """What is printed for each diagnosis is what was read and agreed to."""
    assert GOLDEN.read_text().splitlines() == words().splitlines()


if __name__ == "__main__":
    GOLDEN.write_text(words())
