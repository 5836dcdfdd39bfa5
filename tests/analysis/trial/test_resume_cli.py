"""``samezone experiment --resume``: refused with one line where it would be another experiment."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.source.choice import SourceChoice, SourceKind
from analysis.trial import cli as trial_cli
from analysis.trial import experiment, resume_cli
from analysis.trial.experiment import TRIAL
from analysis.trial.journal import JOURNAL
from k8s.console import Io, Parser
from k8s.errors import SamezoneError, UsageError
from loadtest import rundir
from tests.analysis.trial.mortal import MortalShop, conducted, request

MAY_CHANGE = {"help", "resume", "yes", "runs", "loudness", "json", "open"}
"""Options that say neither what is measured nor where."""


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial that ended in its first window."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=folder, lasts=1))
    (trial,) = (folder / "runs").iterdir()
    return trial


def run(folder: Path, *argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Io(out=out, err=err, environment={}, folder=folder))
    return code, out.getvalue(), err.getvalue()


def refused(folder: Path, *argv: str) -> tuple[int, str]:
    code, out, err = run(folder, "experiment", "--resume", *argv)
    assert out == ""
    (line,) = err.splitlines()
    return code, line


def parser() -> Parser:
    root = Parser(prog="samezone")
    verbs = root.add_subparsers(parser_class=Parser)
    trial_cli.add(verbs, lambda *_: 0)
    return verbs.choices["experiment"]


def test_every_option_is_the_designs_or_the_places_or_may_change():
    """A new option has to be put into one of the tables; none is in two."""
    options = {one.dest for one in parser()._actions}

    assert options == {*resume_cli._PLACE, *resume_cli._DESIGN, *MAY_CHANGE}
    assert len(options) == len(resume_cli._PLACE) + len(resume_cli._DESIGN) + len(MAY_CHANGE)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("--arms", "off,prefer-close"), "--arms (off,tar there)"),
        (("--blocks", "AB"), "--blocks (off,tar tar,off there)"),
        (("--block-duration", "30"), "--block-duration (200.0 there)"),
        (("--null-pairs", "0"), "--null-pairs (1 there)"),
        (("--no-early-stop",), "--no-early-stop (False there)"),
        (("--half-width", "0.01"), "--half-width (Precision(half_width=0.05"),
        (("--rate", "50"), "--rate (10 there)"),
        (("--warmup", "5"), "--warmup (0.0 there)"),
        (("--service", "shop/cart"), "--service (catalog/catalog there)"),
        (("--client", "shop/web"), "--client (ui/ui there)"),
        (("--require", "same_zone>=0.9"), "--require ( there)"),
        (("--p99-margin", "2"), "--p99-margin (1.1 there)"),
        (("--usd-per-gb", "0.02"), "--usd-per-gb (None there)"),
        (("--seed", "7", "--users", "3"), "--users (12 there), --seed (1 there)"),
    ],
)
def test_options_that_contradict_the_design_are_named(interrupted: Path, argv: tuple[str, ...], named: str):
    """Also where they say what is the default, which the trial does not have."""
    code, line = refused(interrupted.parent, str(interrupted), *argv)

    assert code == 2
    assert named in line
    assert "its design says otherwise" in line


@pytest.mark.parametrize(
    "argv", [(), ("--arms", "off,tar", "--blocks", "ABBA"), ("--service", "catalog/catalog", "--rate", "10")]
)
def test_what_agrees_is_no_contradiction(interrupted: Path, argv: tuple[str, ...]):
    """Then it is the place that is looked for, and there is no lab here."""
    code, line = refused(interrupted.parent, str(interrupted), *argv)

    assert code == 5
    assert "lab" in line


def test_what_is_no_trial_or_finished(tmp_path: Path):
    """The verdict of a finished one, and where to read it."""
    done = conducted(MortalShop(folder=tmp_path)).folder
    for folder, words in (
        (tmp_path / "nowhere", "no such folder"),
        (tmp_path, "not a trial, it holds no journal.json"),
        (done, f"it is finished, verdict pass; to see it: samezone report {done}"),
    ):
        code, line = refused(tmp_path, str(folder))
        assert (code, words in line) == (2, True), line
    (done / JOURNAL).unlink()
    code, line = refused(tmp_path, str(done))
    assert (code, "it is finished, verdict pass" in line) == (2, True), "a trial of an earlier version"


def test_a_damaged_journal_is_one_line(tmp_path: Path):
    """With the file and what is wrong with it."""
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, lasts=1))
    (folder,) = (tmp_path / "runs").iterdir()
    whole = (folder / JOURNAL).read_bytes()
    for damaged in (b"", b"{", whole[:200], whole.replace(b'"schema": 1', b'"schema": 7'), b"\xff\xfe"):
        (folder / JOURNAL).write_bytes(damaged)
        code, line = refused(tmp_path, str(folder))
        assert (code, JOURNAL in line) == (2, True), line


def test_a_trial_goes_on_with_the_source_it_was_begun_with(tmp_path: Path):
    """It stands in the journal as it was found; another one is another experiment."""
    found = SourceChoice(source=SourceKind.PROMETHEUS, prometheus="http://127.0.0.1:9", profile="ztunnel")
    shop = MortalShop(folder=tmp_path, lasts=1)
    with pytest.raises(SamezoneError):
        experiment.conduct(replace(shop.session(), settle=lambda _: found), request(tmp_path))
    (folder,) = (tmp_path / "runs").iterdir()

    kept = experiment.open_journal(folder).reach
    assert (kept.source, kept.prometheus, kept.profile) == (
        SourceKind.PROMETHEUS,
        "http://127.0.0.1:9",
        "ztunnel",
    )
    for argv, named in (
        (("--source", "xray"), "--source (prometheus there)"),
        (("--profile", "istio"), "--profile (ztunnel there)"),
    ):
        code, line = refused(tmp_path, str(folder), *argv)
        assert (code, named in line) == (2, True), line


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"context": "prod"}, "context (lab then, prod now)"),
        ({"platform": "cluster"}, "platform (lab then, cluster now)"),
        ({"zones": ("a", "b")}, "zones (a, b, c then, a, b now)"),
        ({"platform": "cluster", "server": "https://other"}, "API server (x then, https://other now)"),
    ],
)
def test_another_place_is_refused_before_anything_is_changed(
    tmp_path: Path, change: dict[str, object], named: str
):
    """Its later windows would be of another place."""
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, lasts=1))
    (folder,) = (tmp_path / "runs").iterdir()
    shop = MortalShop(folder=tmp_path)
    shop = MortalShop(folder=tmp_path, facts=replace(shop.facts, **change))

    with pytest.raises(UsageError, match=re.escape(named)):
        experiment.resume(shop.session(), folder)

    assert (shop.windows, shop.cluster.patches) == ([], [])


def test_a_trial_is_rendered_again_from_what_is_there(tmp_path: Path):
    """Interrupted, killed without a trial.json, finished: the reports say which."""
    shop = MortalShop(folder=tmp_path, lasts=4)
    with pytest.raises(SamezoneError):
        conducted(shop)
    (folder,) = (tmp_path / "runs").iterdir()
    for _ in range(2):
        code, out, err = run(tmp_path, "report", str(folder))
        assert code == 0
        assert "No conclusion yet about the same-zone share" in " ".join(out.split())
        assert f"samezone experiment --resume {folder}" in (folder / "junit.xml").read_text()
        assert err.startswith("report: ")
        (folder / TRIAL).unlink(missing_ok=True)
    assert b'"interrupted" value="true"' in (folder / "junit.xml").read_bytes()
    assert "interrupted" in (folder / "report.md").read_text()
    assert "interrupted" in (folder / "report.html").read_text()
    assert not (folder / rundir.COMPARISON).exists()


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("--rate", "50"), "so --rate would do nothing"),
        (("--users", "3", "--pages", "pages.yaml"), "so --pages, --users would do nothing"),
    ],
)
def test_live_traffic_takes_no_load(tmp_path: Path, argv: tuple[str, ...], named: str):
    """Whoever asks for both gets one line, and nothing is changed."""
    code, out, err = run(tmp_path, "experiment", "--traffic", "live", *argv)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("samezone: --traffic live: nothing is sent")
    assert named in line


@pytest.mark.parametrize("argv", [("--source", "prometheus"), ("--prometheus", "http://127.0.0.1:9")])
def test_live_traffic_needs_a_source_that_shows_the_guards(tmp_path: Path, argv: tuple[str, ...]):
    """Counters of workloads show no hot endpoint: nobody is left under a mode that nobody can watch."""
    code, out, err = run(tmp_path, "experiment", "--traffic", "live", *argv)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert "nobody could watch the guards under the mode" in line
