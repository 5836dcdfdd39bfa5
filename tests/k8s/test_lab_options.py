"""How ``samezone lab`` is told of Prometheus, and what it tells of it."""

import argparse
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from k8s.console import Io, Parser
from k8s.lab import state as lab_state
from k8s.lab.bring_cli import add_lab_options, add_scraping, lab_settings, lab_status
from k8s.lab.design.settings import LabSettings
from k8s.lab.processes import identify
from k8s.lab.run.lineup import plan_lab
from k8s.lab.state import ChildState, Phase


def test_the_help_has_the_options() -> None:
    """With what they are for."""
    parser = Parser()
    add_lab_options(parser)
    add_scraping(parser)
    said = " ".join(parser.format_help().split())
    assert "--prometheus start one that scrapes the relays" in said
    assert "--prometheus-scrape TIME" in said


@pytest.mark.parametrize(
    ("options", "scrape_s"),
    [
        ((), None),
        (("--prometheus",), 1.0),
        (("--prometheus-scrape", "5s"), 5.0),
        (("--prometheus", "--prometheus-scrape", "500ms", "--scenario", "chain"), 0.5),
    ],
)
def test_prometheus_is_there_when_asked_for(options: tuple[str, ...], scrape_s: float | None) -> None:
    """Whatever the scenario, and never otherwise."""
    parser = Parser()
    add_lab_options(parser)
    add_scraping(parser)
    assert lab_settings(parser.parse_args(options), Io()).prometheus_scrape_s == scrape_s


@pytest.mark.parametrize("is_there", [True, False])
def test_the_status_says_whether_prometheus_runs(tmp_path: Path, is_there: bool) -> None:
    """It alone may be away while the lab is up; here this very process plays it and the supervisor."""
    out = io.StringIO()
    console = Io(out=out, folder=tmp_path)
    console.lab_dir.mkdir(parents=True)
    settings = LabSettings(state_dir=str(console.lab_dir), prometheus_scrape_s=1.0, prometheus_port=9)
    me = identify(os.getpid())
    assert me is not None
    children = (ChildState(name="prometheus", process=me),) if is_there else ()
    state = plan_lab(settings, octet=103, token="t").state(me, 0.0)  # noqa: S106 - no secret
    lab_state.write(replace(state, phase=Phase.UP, children=children, prometheus_restarts=3))
    assert lab_status(argparse.Namespace(json=False), console) == 0
    how = "running" if is_there else "ended, and soon started again"
    assert f"Prometheus  http://127.0.0.1:9, {how}, 3 restarts\n" in out.getvalue()
