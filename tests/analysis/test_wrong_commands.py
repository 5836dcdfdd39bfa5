"""Forty wrong commands: each answer fits two lines of a terminal, and says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.analysis.test_cli import Terminal

COLUMNS = 80
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there."""

WRONG: tuple[tuple[str, int, str], ...] = (
    # verbs
    ("fly", 2, "there is no verb 'fly' (see: samezone --help)"),
    ("demmo", 2, "did you mean demo?"),
    ("Observe", 2, "did you mean observe?"),
    ("up", 2, "did you mean: samezone lab up?"),
    ("doctor catalog/catalog", 2, "did you mean: samezone routing doctor?"),
    ("enable-tar", 2, "did you mean: samezone enable tar?"),
    ("disable-tar", 2, "did you mean: samezone routing restore?"),
    ("lab upp", 2, "lab: there is no verb 'upp'; did you mean up?"),
    ("lab fail eu-west-1a", 2, "lab: there is no verb 'fail'; did you mean: samezone lab zone fail?"),
    ("routing get", 2, "did you mean set?"),
    # options
    ("run off --durtion 5", 2, "there is no option --durtion; did you mean --duration?"),
    ("run off --json=1", 2, "--json: ignored explicit argument '1'"),
    ("run off tar", 2, "run: tar: one word too many"),
    ("report --follow", 2, "there is no option --follow (see: samezone report --help)"),
    ("routing show --yes", 2, "there is no option --yes"),
    ("run off --users", 2, "--users: expected one argument"),
    ("run", 2, "run: the following arguments are required: MODE"),
    # modes
    ("run tarr", 2, "routing mode 'tarr' is not known; did you mean tar?"),
    ("routing set Auto", 2, "did you mean tar?"),
    ("run fast", 2, "choose one of off, tar, prefer-close, prefer-same-zone, prefer-same-node"),
    ("enable off", 2, "that is no mode to enable; run: samezone baseline"),
    ("routing doctor --mode prefer-samezone --kubeconfig none", 2, "reading kubeconfig none: no such file"),
    ("routing doctor --mode prefer-closer", 2, "did you mean prefer-close?"),
    # lengths, amounts, names
    ("run off --duration soon", 2, "--duration: 'soon' is no length of time; give one such as 90s, 10m"),
    ("run off --duration 0", 2, "--duration 0: give a number above 0"),
    ("run off --rate many", 2, "--rate: many: give 50, ramp:10-100/30s"),
    ("run off --users 1.5", 2, "'1.5' is no whole number; give one such as 12 or 50k"),
    ("run off --service catalog", 2, "'catalog' is not NAMESPACE/NAME, e.g. catalog/catalog"),
    ("run off --platform clustr", 2, "--platform: 'clustr' is not known; did you mean cluster?"),
    ("run off --client shop/web --platform cluster", 2, "say which to open by --pages FILE"),
    ("observe --since 10", 2, "give a length of time with its unit, e.g. 90s, 10m or 1h30m"),
    ("lab up --scenario evn-3-3-3", 2, "reading scenario evn-3-3-3: no such file; did you mean even-3-3-3?"),
    ("lab up --catalog six", 2, "lab up: --catalog 'six': give a number, or one for each zone, e.g. 5,2,2"),
    (f"observe --prometheus {NOWHERE} --profile ztunel --platform cluster", 2, "did you mean ztunnel?"),
    # arms
    ("experiment --arms off", 2, "--arms off: give two or more different routing modes, or all"),
    ("experiment --arms off,tarr", 2, "did you mean tar?"),
    ("experiment --arms off,tar --blocks ABC", 2, "give groups of 2 such as ABBA (A = off, B = tar)"),
    ("experiment --resume runs", 2, "no such folder; trials are folders under runs/"),
    # what is not there
    ("compare one two", 2, "reading run one: no such folder"),
    ("report", 2, "no comparison under runs; run: make baseline enable-tar"),
    ("run off", 5, "make up"),
    ("lab status --quite", 2, "did you mean --quiet?"),
)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal(folder=tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(NOWHERE)))
    monkeypatch.chdir(tmp_path)
    return made


def test_there_are_forty():
    """No fewer, and none twice."""
    assert len({argv for argv, _, _ in WRONG}) == len(WRONG) >= 40


@pytest.mark.parametrize(("argv", "code", "words"), WRONG, ids=[argv for argv, _, _ in WRONG])
def test_a_wrong_command(terminal: Terminal, argv: str, code: int, words: str):
    """One message, at most two lines of a terminal, its program's name once, and what to do."""
    ended, said = terminal.fails(*argv.split())

    assert ended == code
    assert words in said
    assert len(said.replace(str(terminal.folder), "FOLDER")) <= 2 * COLUMNS
    assert said.count("samezone: ") == 1


@pytest.mark.parametrize(("argv", "code", "words"), [WRONG[1], WRONG[10], WRONG[17], WRONG[-2]])
def test_the_same_from_a_shell(tmp_path: Path, argv: str, code: int, words: str):
    """The real program: nothing but that on standard error, no traceback."""
    script = "import sys; from analysis.entry import entry; sys.exit(entry())"
    done = subprocess.run(
        [sys.executable, "-c", script, *argv.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.startswith("samezone: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("argv", "words"), [("", "usage: samezone "), ("lab", "usage: samezone lab ")])
def test_without_a_verb_there_is_help(terminal: Terminal, argv: str, words: str):
    """On standard output, as if it had been asked for."""
    code, out, err = terminal.run(*argv.split())

    assert (code, err) == (0, "")
    assert out.startswith(words)
    assert "\nverbs:\n" in out
