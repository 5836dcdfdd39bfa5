"""The registry of formats."""

import io
import subprocess
import sys

import pytest

from analysis.cli import main
from analysis.report import formats
from k8s.console import Io
from loadtest import rundir
from tests.analysis.report.comparison import judged_samples
from tests.analysis.report.trial import trial_samples


def report(folder) -> set[str]:
    """``samezone report`` on a stored comparison; the files it leaves."""
    rundir.write_json(folder / rundir.COMPARISON, judged_samples.passed())
    code = main(["report", str(folder)], Io(out=io.StringIO(), err=io.StringIO(), folder=folder))
    assert code == 0
    return {path.name for path in folder.iterdir()} - {rundir.COMPARISON}


def test_every_format_is_written(tmp_path):
    """The command writes the files of the registry, all of them and no other."""
    assert report(tmp_path) == set(formats.COMPARISON) == {"report.html", "report.md", "junit.xml"}


def test_a_new_format_is_one_entry(tmp_path, monkeypatch):
    """A format that is entered in the registry is written by the command, without another change."""
    monkeypatch.setitem(
        formats.COMPARISON, "report.csv", lambda compared: f"mode;{compared.candidate.mode}\n"
    )

    assert "report.csv" in report(tmp_path)
    assert (tmp_path / "report.csv").read_text() == "mode;tar\n"


def test_a_new_format_of_trials():
    """The same for trials."""
    found = dict(
        formats.documents(trial_samples.two(), formats.TRIAL | {"arms.txt": lambda one: str(one.arms)})
    )

    assert set(found) == {*formats.COMPARISON, "arms.txt"}
    assert found["arms.txt"] == b"('off', 'tar')"


@pytest.mark.parametrize("module", ["boto3", "kubernetes", "locust", "gevent", "matplotlib", "aiohttp"])
def test_a_report_needs_no_client(module):
    """Rendering loads no client of the cluster, of AWS or of the load, and no plotting library."""
    code = f"import sys, analysis.report.formats; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
