"""Bad input through the real main: one line, the exit code of the README, no traceback."""

import io
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analysis.cli import main
from k8s.console import Io
from loadtest import rundir
from tests.loadtest.test_rundir import saved


@dataclass
class Terminal:
    """Runs commands in a folder, with streams of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *argv: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code = main(argv, Io(out=out, err=err, environment=self.environment, folder=self.folder))
        return code, out.getvalue(), err.getvalue()

    def fails(self, *argv: str) -> tuple[int, str]:
        code, out, err = self.run(*argv)
        assert out == ""
        assert len(err.splitlines()) == 1, err
        assert err.startswith("samezone: ")
        return code, err

    def kubeconfig(self, server: str) -> Path:
        """A file that points at this API server."""
        config = self.folder / "config"
        config.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": server}}],
                    "users": [{"name": "u", "user": {}}],
                }
            )
        )
        return config


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(folder=tmp_path)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["enable", "off"], "that is no mode to enable"),
        (["run", "off", "--rate", "-5"], "run: --rate: -5: give a number above 0"),
        (["run", "off", "--rate", "nan"], "run: --rate: nan: give a number above 0"),
        (["run", "off", "--users", "0"], "users is 0; give a number from 1"),
        (["run", "off", "--duration", "0"], "--duration 0: give a number above 0"),
        (["run", "off", "--service", "catalog"], "'catalog' is not NAMESPACE/NAME"),
        (["run", "off", "--platform", "cluster", "--kubeconfig", "none"], "reading kubeconfig none: no such"),
        (["lab", "up", "--catalog", "six"], "--catalog 'six': give a number"),
        (["lab", "up", "--zones", "here,there"], "give one region and a letter each"),
        (["lab", "up", "--api-port", "70000"], "API port 70000 is not a port"),
        (["routing", "show", "--kubeconfig", "nowhere"], "reading kubeconfig nowhere: no such file"),
        (["compare", "one", "two"], "reading run one: no such folder"),
        (["report"], "no comparison under runs; run: make baseline enable-tar"),
        (["report", "nowhere"], "reading run nowhere: no such folder"),
    ],
)
def test_usage_errors(terminal: Terminal, argv: list[str], message: str, monkeypatch: pytest.MonkeyPatch):
    """Exit 2 and one line that names what was given and what to give."""
    monkeypatch.chdir(terminal.folder)

    code, err = terminal.fails(*argv)

    assert code == 2
    assert message in err


def test_no_lab_is_unreachable(terminal: Terminal):
    """Measuring without a place: exit 5, and how to get one."""
    code, err = terminal.fails("run", "off")

    assert code == 5
    assert "make up" in err


def test_a_folder_that_is_no_run(terminal: Terminal):
    """An empty folder is not a run."""
    code, err = terminal.fails("compare", str(terminal.folder), str(terminal.folder))

    assert code == 2
    assert "not a run folder, it holds no record.json" in err


def test_a_truncated_record(terminal: Terminal):
    """Half a record says so."""
    path = saved(terminal.folder) / rundir.RECORD
    path.write_bytes(path.read_bytes()[:200])

    code, err = terminal.fails("collect", str(terminal.folder))

    assert code == 2
    assert "may be truncated" in err


def test_a_run_that_is_not_collected_yet(terminal: Terminal):
    """Comparing needs the graph, and the line says how to get it."""
    saved(terminal.folder)

    code, err = terminal.fails("compare", str(terminal.folder), str(terminal.folder))

    assert code == 2
    assert "no graph.json yet; run: samezone collect" in err


def test_xray_that_is_down(terminal: Terminal):
    """Nobody listens: exit 5 with the address, and what was measured stays."""
    saved(terminal.folder)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"

        code, err = terminal.fails("collect", str(terminal.folder), "--xray-endpoint", address)

    assert code == 5
    assert address in err
    assert (terminal.folder / rundir.RECORD).is_file()


def test_an_api_server_that_is_down(terminal: Terminal):
    """A kubeconfig that points at nothing: exit 5 with the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{unused.getsockname()[1]}"
        config = terminal.kubeconfig(server)

        code, err = terminal.fails("routing", "show", "--kubeconfig", str(config))

    assert code == 5
    assert server in err
