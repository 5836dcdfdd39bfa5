"""Folders of state: who may look into them, and what is said where they cannot be had."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.process import private


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_new_folders_are_the_owners_alone(tmp_path: Path):
    """Whatever the umask."""
    home = tmp_path / "state"

    private.make(home, ("lab", "logs"))

    assert {mode(one) for one in (home, home / "lab", home / "logs")} == {"0o700"}


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path):
    """The folder of our name, and those in it."""
    (tmp_path / private.NAME / "originals").mkdir(parents=True)
    (tmp_path / private.NAME).chmod(0o755)

    private.make(tmp_path / private.NAME, ("originals",))

    assert mode(tmp_path / private.NAME) == "0o700"
    assert mode(tmp_path / private.NAME / "originals") == "0o700"


def test_a_folder_that_the_user_named_keeps_its_mode(tmp_path: Path):
    """SAMEZONE_HOME may be shared; what we make in it is not."""
    tmp_path.chmod(0o755)

    private.make(tmp_path, ("lab",))

    assert (mode(tmp_path), mode(tmp_path / "lab")) == ("0o755", "0o700")


def test_a_file_is_no_folder(tmp_path: Path):
    """Said with its name and what to do."""
    home = tmp_path / "state"
    home.write_text("")

    with pytest.raises(UsageError, match=rf"keeping state in {home}: File exists; .* SAMEZONE_HOME"):
        private.make(home, ())


def test_a_place_that_cannot_be_written_to(tmp_path: Path):
    """Also for root, whom modes do not stop."""
    (tmp_path / "state").symlink_to("/proc/self/net")

    with pytest.raises(UsageError, match=r"keeping state in .*state"):
        private.make(tmp_path / "state", ())
