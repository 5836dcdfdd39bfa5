"""Disks that are full, folders that cannot be written: refused before the load, or what fits is kept.

Full disks are file systems of a few pages, mounted for the command alone; where a machine lets nobody mount,
those rows are not played, and not counted.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, Happens, Play
from tests.faults.stage import PLAN, Stage
from tests.faults.table import ANY_FOLDER, FOLDER, NO_FOLDER, Row

pytestmark = pytest.mark.faults

SECLUDED = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
"""What is mounted here, nobody else sees, and it goes with the command."""


@cache
def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*SECLUDED, "mount -t tmpfs none /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not may_mount(), reason="nobody may mount here")
needs_setpriv = pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv here")
AS_ANYBODY: tuple[str, ...] = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner") if os.geteuid() == 0 else ()
)
"""Without root's right to write everywhere."""


class AtOnce:
    """A fault that is there from the start."""

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage, happens
        play.provoked += 1


def small(folder: Path, kib: int) -> tuple[str, ...]:
    """A command for which *folder* is a file system of that size, with what was in it."""
    script = (
        f'mkdir -p "{folder}.was" && cp -a "{folder}/." "{folder}.was/" && '
        f'mount -t tmpfs -o size={kib}k none "{folder}" && cp -a "{folder}.was/." "{folder}/" && '
        # Its contents are put where they can be seen once it has ended.
        f'"$0" "$@"; code=$?; mkdir -p "{folder}.now"; cp -a "{folder}/." "{folder}.now/"; exit $code'
    )
    return (*SECLUDED, script)


@needs_mount
@pytest.mark.parametrize(
    ("kib", "folder"), [(4, ANY_FOLDER), (16, ANY_FOLDER), (40, ANY_FOLDER), (64, ANY_FOLDER)]
)
def test_the_runs_are_on_a_full_disk(campaign: Campaign, kib: int, folder: str) -> None:
    """Too little is refused before the load, or what fits is kept: never half a file."""
    row = Row(
        verb="run tar",
        fault=f"{kib} KiB for the runs",
        phase="all",
        exits=(0, 2, 4, 5),
        folder=folder,
    )
    place = campaign.stage.place(campaign.folder)
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        place=place,
        moment=AtOnce(),
        happens=lambda _: None,
        wrapped=small(place.runs, kib),
    )
    kept = place.runs.with_name("runs.now")
    for folder_ in kept.iterdir():
        shown = place.here("collect", str(folder_))
        assert "Traceback" not in shown.err
        assert (folder_ / "record.json").is_file(), list(folder_.iterdir())


@needs_mount
def test_the_home_is_on_a_full_disk(campaign: Campaign) -> None:
    """What the Service has cannot be written down: nothing is changed."""
    row = Row(
        verb="run tar",
        fault="no room in .samezone",
        phase="opening",
        exits=(2, 4, 5),
        folder=NO_FOLDER,
    )
    place = campaign.stage.place(campaign.folder)
    full = place.home / "originals"
    full.mkdir()
    script = (
        f'mount -t tmpfs -o size=4k none "{full}" && '
        f'dd if=/dev/zero of="{full}/x" bs=4k count=1 2>/dev/null; "$0" "$@"'
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        place=place,
        moment=AtOnce(),
        happens=lambda _: None,
        wrapped=(*SECLUDED, script),
    )


READ_ONLY = {
    "the runs": ("runs", NO_FOLDER),
    ".samezone": (".samezone", NO_FOLDER),
    "the folder itself": (".", NO_FOLDER),
}


@needs_setpriv
@pytest.mark.parametrize("what", READ_ONLY)
def test_a_folder_cannot_be_written(campaign: Campaign, what: str) -> None:
    """Refused before anything is changed, in one line that names the folder."""
    name, folder = READ_ONLY[what]
    row = Row(verb="run tar", fault=f"{what} read-only", phase="opening", exits=(2, 4, 5), folder=folder)
    place = campaign.stage.place(campaign.folder)
    target = place.folder / name
    if name == ".":
        place.runs.rmdir()
    target.chmod(0o500)
    try:
        campaign.play(
            row,
            "run",
            "tar",
            *PLAN,
            place=place,
            moment=AtOnce(),
            happens=lambda _: None,
            wrapped=AS_ANYBODY,
            afterwards=lambda: target.chmod(0o700),
        )
    finally:
        target.chmod(0o700)


@needs_setpriv
@pytest.mark.parametrize("phase", ["measuring, middle", "quiet after"])
def test_the_runs_become_read_only(campaign: Campaign, phase: str) -> None:
    """What was written is kept, the Service gets back what it had, and the line names the folder."""
    row = Row(
        verb="run tar",
        fault="the runs become read-only",
        phase=phase,
        exits=(0, 2, 4, 5),
        folder=FOLDER,
    )
    place = campaign.stage.place(campaign.folder)

    def closes(play: Play) -> None:
        for one in (place.runs, *place.run_folders()):
            one.chmod(0o500)
        play.provoked += 1

    def opens() -> None:
        for one in (place.runs, *place.run_folders()):
            one.chmod(0o700)

    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        place=place,
        moment=PHASES[phase],
        happens=closes,
        wrapped=AS_ANYBODY,
        afterwards=opens,
    )


@pytest.mark.parametrize("option", ["--arm", "--runs"])
def test_a_name_is_too_long(campaign: Campaign, option: str) -> None:
    """Refused before the load."""
    row = Row(
        verb="run tar",
        fault=f"{option} of 300 letters",
        phase="opening",
        exits=(2,),
        folder=NO_FOLDER,
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        option,
        "x" * 300,
        moment=AtOnce(),
        happens=lambda _: None,
    )
