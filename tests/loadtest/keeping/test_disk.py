"""Room for a run: asked for before the load, in one line, and some kept for its end."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from k8s.errors import ExitCode, UsageError
from loadtest.keeping.disk import RESERVE_BYTES, Reserve, require_room


@pytest.mark.parametrize(
    ("blocks", "files", "free_files", "said"),
    [
        (1000, 100, 50, "4 MB are free on its disk, and a run of 45 s may need 17; make room"),
        (10_000_000, 100, 0, "it has no free inodes"),
    ],
)
def test_a_disk_without_room_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, files: int, free_files: int, said: str
):
    """What the file system says of itself decides."""
    found = SimpleNamespace(f_bavail=blocks, f_frsize=4096, f_files=files, f_favail=free_files)
    monkeypatch.setattr(os, "statvfs", lambda _: found)

    with pytest.raises(UsageError, match=said) as caught:
        require_room(tmp_path, seconds=45)

    assert caught.value.exit_code is ExitCode.USAGE
    assert "--runs" in str(caught.value)


def test_file_systems_that_count_no_inodes_have_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """0 of 0 is said by some, e.g. btrfs."""
    found = SimpleNamespace(f_bavail=10_000_000, f_frsize=4096, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    require_room(tmp_path, seconds=45)


def test_the_reserve_takes_room_and_leaves_no_file(tmp_path: Path):
    """A file without a name: nothing is left of it, however the process ends."""
    reserve = Reserve(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert os.fstat(reserve._file.fileno()).st_blocks * 512 >= RESERVE_BYTES
    assert [reserve.release(), reserve.release()] == [True, False]


def test_a_folder_that_takes_nothing_is_refused():
    """As one that is read-only for everybody, root included."""
    with pytest.raises(UsageError, match=r"run folder /proc: nothing can be written there \(.+\); make room"):
        Reserve(Path("/proc"))
