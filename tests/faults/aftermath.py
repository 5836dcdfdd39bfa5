"""What is left after a fault: the five things that the campaign promises."""

import re
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from k8s.errors import SamezoneError
from k8s.routing.modes import RoutingSettings
from tests.faults.playing import Play
from tests.faults.stage import LEASES, Place, Stage, await_, leftovers
from tests.faults.table import FOLDER, GONE, NO_FOLDER, RESTORED, SAME, THEIRS, Seen
from tests.lab.conftest import JUDGED

WORKERS = "/api/v1/namespaces/locust/pods"
TEMPORARY = re.compile(r"\.(tmp|new|part)$|~$")
NOISE = re.compile(r"^(\s*$|already stopping)")
NOTHING_TO_SHOW = (0, 2)
"""How history may end where the only run was not collected."""
STORED = (0, 1, 2, 3, 4)
"""How collect and compare may end over what an interrupted run has; 5 would be the place's fault."""


def check_exit(play: Play, seen: Seen, code: int) -> None:
    """The code of design.md, one line, no traceback."""
    said = "\n".join([*play.err, *play.out])
    seen.code, seen.line = code, play.last_line
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said
    assert code in seen.row.exits, f"exit {code}, not {seen.row.exits}: {said}"
    if code not in (0, -9):
        last = play.last_line
        assert last.startswith(("samezone", "kubectl-samezone")), f"its last line is {last!r}"
    if seen.row.says and code != 0:
        assert any(word in seen.line for word in seen.row.says), seen.line


def check_service(stage: Stage, place: Place, seen: Seen, before: RoutingSettings) -> None:
    """What the Service has."""
    row = seen.row
    if row.service == RESTORED:
        done = place.here("routing", "restore")
        assert done.code == 0, done.err
        seen.service = RESTORED
    else:
        seen.service = SAME
    if row.service in (SAME, RESTORED):
        assert stage.knobs() == before, f"it has {stage.knobs()}, not {before}"
    elif row.service != GONE:
        seen.service = row.service


def check_folder(stage: Stage, place: Place, seen: Seen, *, baseline: bool = True) -> None:
    """Either there is no run folder, or everything that reads one takes it.

    One that was killed before its load leaves an empty folder: that was made before anything was changed.
    """
    found = [one for one in place.run_folders() if (one / "record.json").is_file()]
    ghosts = [one for one in place.run_folders() if one not in found and not list(one.rglob("record.json"))]
    if signal.SIGKILL in [-code for code in seen.row.exits]:
        ghosts = [one for one in ghosts if list(one.iterdir())]
    assert ghosts == [], f"folders without a record: {[(one, list(one.iterdir())) for one in ghosts]}"
    if seen.row.folder == NO_FOLDER:
        assert found == []
    if seen.row.folder == FOLDER:
        assert found, "nothing is kept"
    seen.folder = "none" if not found else "usable"
    for folder in found:
        _usable(stage, place, folder, baseline=baseline, gone=seen.row.service == GONE)


def _usable(stage: Stage, place: Place, folder: Path, *, baseline: bool, gone: bool) -> None:
    collected = place.here("collect", str(folder))
    said = collected.err.strip().splitlines()
    assert collected.code in (*STORED, 5) if gone else STORED, collected.err
    assert said, "collect said nothing"
    assert "Traceback" not in collected.err
    if collected.code in JUDGED and baseline:
        compared = place.here("compare", str(stage.lend("off", place)), str(folder))
        assert compared.code in STORED, compared.err
        if (folder / "comparison.json").is_file():
            assert place.here("report", str(folder)).code == 0
    shown = place.here("history", "--runs", str(place.runs))
    assert shown.code in NOTHING_TO_SHOW, shown.err


def check_leftovers(stage: Stage, place: Place, seen: Seen) -> None:
    """No process, file, worker pod, NotReady node or held Lease of ours."""
    with suppress(AssertionError):
        await_(lambda: not leftovers(place), "processes to end", 15.0)
    left = [f"process {' '.join(_words(one))}" for one in leftovers(place)]
    left += [f"file {one}" for one in sorted(place.folder.rglob("*")) if TEMPORARY.search(one.name)]
    if seen.row.service not in (GONE, THEIRS):  # what could not be put back, or yet may be, stays on record
        left += [f"record {one.name}" for one in place.home.glob("originals/*")]
    with suppress(SamezoneError):
        cluster = stage.cluster
        await_nodes(stage)
        with suppress(AssertionError):
            await_(lambda: not cluster.raw_items(WORKERS), "worker pods to go with their process", 5.0)
        pods = cluster.raw_items(WORKERS)
        left += [f"pod {one['metadata']['name']}" for one in pods]
        nodes = cluster.snapshot(()).nodes
        left += [f"node {one.name} NotReady" for one in nodes if not one.ready]
        left += _leases(stage)
    seen.leftovers = "; ".join(left) or "none"
    assert left == []


def await_nodes(stage: Stage) -> None:
    """A kubelet that was stopped for a while needs a moment to say that it is back."""
    with suppress(AssertionError):
        await_(lambda: all(node.ready for node in stage.cluster.snapshot(()).nodes), "nodes", 5.0)


def _leases(stage: Stage) -> list[str]:
    try:
        found = stage.cluster.raw_items(LEASES)
    except SamezoneError:
        return []
    return [
        f"lease {one['metadata']['name']} held by {one['spec']['holderIdentity']}"
        for one in found
        if (one.get("spec") or {}).get("holderIdentity")
    ]


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())[:4]
    return [str(process.pid)]
