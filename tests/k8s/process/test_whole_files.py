"""Files that are whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from k8s.process.whole_files import write_whole


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_takes_the_place_of_another(tmp_path: Path, umask: int):
    """With the mode asked for, whatever the umask; nothing else stands beside it."""
    path = tmp_path / "kept.json"
    path.write_bytes(b"before")
    before = os.umask(umask)
    try:
        write_whole(path, b"after", mode=0o600)
    finally:
        os.umask(before)

    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_take_its_place_leaves_nothing(tmp_path: Path):
    """A folder of that name stays as it is."""
    path = tmp_path / "kept.json"
    path.mkdir()

    with pytest.raises(OSError, match=r"kept\.json"):
        write_whole(path, b"after")

    assert list(tmp_path.iterdir()) == [path]
