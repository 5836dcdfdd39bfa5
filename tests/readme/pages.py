"""The pages that people read, and what stands in them."""

import re
from dataclasses import dataclass

from tests.sources import REPO

PAGES = (
    "README.md",
    "k8s/README.md",
    "loadtest/README.md",
    "analysis/README.md",
    "k8s/doctor/README.md",
    "k8s/manifests/README.md",
    "k8s/terraform/README.md",
    ".github/CONTRIBUTING.md",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a page: a line of a code block that is of no language."""

    page: str
    line: str

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def text(page: str) -> str:
    return (REPO / page).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """A page from a heading of the second level to the next."""
    return text(page).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(markdown: str, language: str = "") -> list[str]:
    """The code blocks of a language; of none: commands."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", markdown, flags=re.DOTALL | re.MULTILINE)
    return [block for word, block in found if word == language]


def lines(block: str) -> list[str]:
    """The commands of a block, without their comments."""
    return [line.split("  #")[0].strip() for line in block.splitlines()]


def commands(page: str, heading: str) -> list[str]:
    """The commands printed in a section."""
    return [line for block in blocks(section(page, heading)) for line in lines(block)]


def all_commands() -> list[Command]:
    """Those of every page, in order."""
    return [
        Command(page=page, line=line)
        for page in PAGES
        for block in blocks(text(page))
        for line in lines(block)
    ]
