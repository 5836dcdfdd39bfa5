"""A scenario file's text becomes a scenario, or one line that says where it is wrong (pure)."""

from k8s.lab.design.scenario import Scenario, misfits
from k8s.model import yaml_text


def parse(text: str, path: str) -> Scenario:
    """The scenario in the file *path*; UsageError names the file, the line, the key and what is wrong."""
    return yaml_text.parse(text, path, Scenario, misfits=misfits)
