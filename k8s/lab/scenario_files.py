"""Scenario files: the well-known situations beside this module, or a file of one's own.

``samezone lab up --scenario NAME`` takes the name of one of the files in ``scenarios``, or a path.
"""

from pathlib import Path

from k8s.errors import UsageError
from k8s.lab.design.scenario import Scenario
from k8s.lab.design.scenario_text import parse
from k8s.model.nearest import hint

FOLDER = Path(__file__).parent / "scenarios"
SCHEMA = FOLDER / "schema.json"
"""The form of the files, made by ``design.scenario.schema_text``."""


def names() -> tuple[str, ...]:
    """The scenarios that come with the lab."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read(name: str) -> Scenario:
    """A scenario by its name or its file; UsageError names the file, the line and the key."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"reading scenario {name}: no such file"
            f"{hint(name, names()) or '; there are ' + ', '.join(names())}; or give a .yaml file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"reading scenario {path}: {error}") from error
    return parse(text, str(path))
