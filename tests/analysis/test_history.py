"""Runs over time: rows, changes, and the command."""

import argparse
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis import artifacts, history, history_cli
from analysis.history import Run
from analysis.report import history_console
from analysis.source.collect import Collected, GraphFile
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Decision
from k8s.console import Io, Parser
from k8s.errors import InvalidRunError, UsageError
from loadtest import rundir
from loadtest.record import RunStatus, Window
from tests.analysis.graphs import Graph
from tests.analysis.report import golden
from tests.analysis.report.comparison import judged_samples
from tests.analysis.verdict.test_compare import arm, shop

DAY_S = 24 * 3600.0
START_S = 1_700_000_000.0


def run(number: int, share: float, *, mode: str = "tar", half: float = 0.01) -> Run:
    """A run on day *number*."""
    return Run(
        folder=f"day-{number:02d}-{mode}",
        at_s=START_S + number * DAY_S,
        context="shop-eu",
        service="catalog/catalog",
        mode=mode,
        share=Interval(
            estimate=share, low=share - half, high=min(1.0, share + half), level=0.95, n=3600, method="test"
        ),
        calls=3600,
        unknown=0,
        p99_s=0.0091,
        decision=Decision.PASS if share > 0.9 else None,
    )


WOBBLE = (0.003, -0.002, 0.0, 0.001, -0.003, 0.002, -0.001)


def fallen() -> list[Run]:
    """Seven days at 99 %, then seven at 71 %."""
    return [run(day, share + WOBBLE[day % 7]) for day, share in enumerate([0.99] * 7 + [0.71] * 7)]


def graph_file(graph: Graph, *, start_s: float = 100.0, length_s: float = 13.0) -> GraphFile:
    """As collecting stores it."""
    window = Window(start_s=start_s, end_s=start_s + length_s)
    return GraphFile(window=window, queries=(graph.pages(),), polls=(), stable=True, reconciled=True)


def stored(root: Path, name: str, same: int, at_s: float, *, mode: str = "tar") -> Path:
    """A run folder as collecting leaves it, with *same* of a hundred calls of each pod in its zone."""
    folder = root / name
    folder.mkdir(parents=True)
    graph = shop(same, 100 - same)
    inputs = arm(graph, mode=mode)
    record = replace(inputs.record, measured=Window(start_s=at_s, end_s=at_s + 13))
    rundir.write_json(folder / rundir.RECORD, record)
    shown = (replace(inputs.topology[0], taken_at_s=at_s + seen_s) for seen_s in (0, 13))
    rundir.write_lines(folder / rundir.TOPOLOGY, shown)
    rundir.write_json(folder / rundir.GRAPH, graph_file(graph, start_s=at_s))
    rundir.write_lines(folder / rundir.TRACES, ())
    return folder


def command(*argv: str) -> tuple[int, str, str]:
    """``samezone history`` through its parser: exit code, data, words."""
    parser = Parser(prog="samezone")
    history_cli.add(parser.add_subparsers(parser_class=Parser))
    out, err = io.StringIO(), io.StringIO()
    args: argparse.Namespace = parser.parse_args(["history", *argv])
    return args.command(args, Io(out=out, err=err)), out.getvalue(), err.getvalue()


def printed(runs: list[Run]) -> str:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None, highlight=False).print(
        history_console.history(history.series(runs))
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def test_a_fall_is_found_and_explained():
    """A history that falls has one change, between the right runs, with both means and a p-value."""
    (found,) = history.series(fallen())
    (shift,) = found.shifts

    assert (shift.last, shift.first) == ("day-06-tar", "day-07-tar")
    assert shift.before == pytest.approx(0.99, abs=0.002)
    assert shift.after == pytest.approx(0.71, abs=0.002)
    assert shift.p_value < 0.01
    assert "the share of tar fell from 99.0\u00a0% to 71.0\u00a0%, p = 0.0025." in history_console.sentence(
        shift, "tar"
    )


def test_a_steady_history_is_silent():
    """A wobble is no change, and that is said."""
    steady = [run(day, 0.99 + WOBBLE[day % 7]) for day in range(14)]
    (found,) = history.series(steady)

    assert (found.shifts, found.enough) == ((), True)
    assert "No change in 14 runs that chance would not explain." in printed(steady)


def test_few_runs_are_not_judged():
    """Three runs cannot show a change, however different they are, and that is said."""
    few = [run(0, 0.99), run(1, 0.99), run(2, 0.2)]
    (found,) = history.series(few)

    assert (found.shifts, found.enough) == ((), False)
    assert "3 runs; 8 are needed to tell a change from chance." in printed(few)


def test_modes_are_series_of_their_own():
    """Runs under another mode are no fall of this one, and order in the folder is no order of time."""
    mixed = [run(day, 0.33, mode="off") for day in range(9)] + [run(day, 0.99) for day in range(9)]
    found = history.series(mixed[::-1])

    assert [(one.mode, len(one.runs), one.shifts) for one in found] == [("off", 9, ()), ("tar", 9, ())]
    assert [one.folder for one in found[0].runs] == [f"day-{day:02d}-off" for day in range(9)]


def test_sources_are_series_of_their_own():
    """Shares of connections and of requests are two things; the table says who counted."""
    runs = [
        replace(run(n, 1.0), source="prometheus by profile ztunnel" if n % 2 else "xray") for n in range(6)
    ]

    assert [(one.source, len(one.runs)) for one in history.series(runs)] == [
        ("prometheus by profile ztunnel", 3),
        ("xray", 3),
    ]
    assert "counted by prometheus by profile ztunnel" in " ".join(printed(runs).split())


def test_golden():
    """The tables are what they were when somebody last looked at them."""
    golden.check("history.txt", printed([*fallen(), *(run(day, 0.334, mode="off") for day in range(3))]))


def test_a_run_that_was_interrupted_is_no_evidence():
    """An interrupted run has no row, and the error says what it was."""
    inputs = arm(shop(40, 60))
    broken = replace(inputs, record=replace(inputs.record, status=RunStatus.INTERRUPTED))

    with pytest.raises(InvalidRunError, match="it was interrupted"):
        history.run_of(broken, None)


def test_a_row_of_a_run():
    """Share, counts and time are the run's own; the decision is that of its comparison."""
    inputs = arm(shop(40, 60))
    found = history.run_of(inputs, judged_samples.passed())

    assert (found.context, found.service, found.mode) == ("c", "catalog/catalog", "off")
    assert (found.share.estimate, found.calls, found.unknown) == (0.4, 200, 0)
    assert found.at_s == inputs.record.measured.start_s
    assert found.p99_s is None
    assert found.decision is Decision.PASS


def test_the_command_reads_folders(tmp_path):
    """Runs of a folder come in the order of time, windows of experiments too."""
    stored(tmp_path, "b", 90, START_S)
    stored(tmp_path, "a", 80, START_S + 60)
    stored(tmp_path, "trial/windows/01-tar", 70, START_S + 120)

    code, out, err = command("--runs", str(tmp_path), "--json")
    (series,) = json.loads(out)

    assert (code, err) == (0, "")
    assert [(one["folder"], one["share"]["estimate"]) for one in series["runs"]] == [
        ("b", 0.9),
        ("a", 0.8),
        ("trial/windows/01-tar", 0.7),
    ]


def test_the_command_marks_changes(tmp_path):
    """What is stored is judged: ten runs, of which the last five lost a third."""
    for day in range(10):
        stored(tmp_path, f"run-{day}", 97 + day % 3 if day < 5 else 63 + day % 3, START_S + day * DAY_S)

    code, out, _ = command("--runs", str(tmp_path))
    words = " ".join(out.split())

    assert code == 0
    assert (
        "Between 2023-11-18 22:13:20 UTC (run-4) and 2023-11-19 22:13:20 UTC (run-5) the share of tar fell"
        in words
    )


def test_broken_folders_are_skipped_with_a_line(tmp_path):
    """One line for each folder that cannot be read, saying why; the others are shown."""
    stored(tmp_path, "good", 90, START_S)
    (stored(tmp_path, "torn", 90, START_S) / rundir.GRAPH).write_text("{")
    (stored(tmp_path, "new", 90, START_S) / rundir.GRAPH).unlink()
    (stored(tmp_path, "odd", 90, START_S) / rundir.COMPARISON).write_text("[]")
    (tmp_path / "else").mkdir()

    code, out, err = command("--runs", str(tmp_path))
    lines = err.splitlines()

    assert code == 0
    assert [line.partition(":")[0] for line in lines] == [
        "skipped else",
        "skipped new",
        "no verdict for odd",
        "skipped torn",
    ]
    assert "holds no record.json" in lines[0]
    assert "no graph.json yet" in lines[1]
    assert out.count("90.0") == 2


@pytest.mark.parametrize(("name", "message"), [("nowhere", "no folder"), (".", "no collected run under")])
def test_nothing_to_show(tmp_path, name, message):
    """A folder that is none, or holds no run, is a usage error that says what to do."""
    with pytest.raises(UsageError, match=message):
        command("--runs", str(tmp_path / name))


def test_collected_runs_are_what_is_read(tmp_path):
    """What ``collect`` writes is what the history reads."""
    folder = stored(tmp_path, "one", 90, START_S)
    artifacts.save_collected(folder, Collected(graph=graph_file(shop(50, 50), start_s=START_S), traces=()))
    _, out, _ = command("--runs", str(tmp_path), "--json")

    assert json.loads(out)[0]["runs"][0]["share"]["estimate"] == 0.5


def test_a_long_table_shows_its_ends_and_its_changes():
    """Two thousand runs with one fall: what is left out is counted, and where all of it is is said."""
    long = [
        replace(
            run(0, (0.99 if day < 900 else 0.7) + WOBBLE[day % 7]), folder=f"r{day:04d}", at_s=START_S + day
        )
        for day in range(2000)
    ]
    (found,) = history.series(long)
    words = printed(long)

    assert [shift.first for shift in found.shifts] == ["r0900"]
    assert history_console.shown_of(found) == (*range(40), *range(897, 903), *range(1960, 2000))
    assert "857 more runs" in words.replace("\u2009", " ").replace("\u00a0", " ")
    assert "samezone history --json" in words
