"""A trial that was interrupted anywhere and gone on with is the trial that was not interrupted."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.trial import book as books
from analysis.trial import experiment
from analysis.trial.journal import JOURNAL, LONGEST_TEAR_S
from analysis.trial.values import Trial
from analysis.verdict.judged import Decision
from k8s.errors import SamezoneError, UnreachableError
from k8s.routing.modes import RoutingMode, mode_of
from loadtest import rundir
from tests.analysis.trial import mortal
from tests.analysis.trial.mortal import HOUR_S, MortalShop, conducted, killed, numbers, on_file, resumed

pytestmark = pytest.mark.simulation

WINDOWS = 6
PLACES = 10


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, list[str]]:
    """The trial in one sitting, and the names of its effects in order."""
    shop = MortalShop(folder=tmp_path_factory.mktemp("whole"))
    return conducted(shop).trial, shop.names


def serves(names: list[str]) -> list[int]:
    """Numbers from 1 of the effects that begin a window's load."""
    return [number for number, name in enumerate(names, start=1) if name == "serve"]


def after_the_load(names: list[str]) -> range:
    """Numbers of the effects from the end of the second window's load to the third window's load."""
    _, second, third, *_ = serves(names)
    asked = names.index("ask", second) + 1
    return range(asked - 4, third)


def check_same(done: Trial, whole: Trial) -> None:
    assert numbers(done) == numbers(whole)
    assert done.decision is Decision.PASS, done.reasons


@pytest.mark.parametrize("window", range(WINDOWS))
def test_killed_in_any_window(tmp_path: Path, whole: tuple[Trial, list[str]], window: int):
    """Only that window is measured once more; looks, intervals, verdict are those of one sitting."""
    trial, names = whole
    shop = MortalShop(folder=tmp_path, ends_at=serves(names)[window], ends=mortal.kill)
    killed(partial(conducted, shop))

    done, second = resumed(tmp_path)

    check_same(done.trial, trial)
    assert done.trial == on_file(done.folder)
    assert len(second.windows) == WINDOWS - window
    assert [look.after_blocks for look in done.trial.contests[0].looks] == [
        look.after_blocks for look in trial.contests[0].looks
    ]


@pytest.mark.parametrize("place", range(PLACES))
def test_killed_anywhere_between_two_windows(tmp_path: Path, whole: tuple[Trial, list[str]], place: int):
    """Before collecting, within it, before it is noted down, before the next load: nothing that was
    measured is lost, and nothing is counted twice.
    """
    trial, names = whole
    numbers_ = after_the_load(names)
    shop = MortalShop(folder=tmp_path, ends_at=numbers_[place * len(numbers_) // PLACES], ends=mortal.kill)
    killed(partial(conducted, shop))

    done, second = resumed(tmp_path)

    check_same(done.trial, trial)
    assert len(second.windows) in {WINDOWS - 2, WINDOWS - 1}
    assert len({one.folder for one in done.trial.windows}) == WINDOWS


@pytest.mark.parametrize("ends", [mortal.interrupt, mortal.leave])
@pytest.mark.parametrize("window", [0, 1, 3, 5])
def test_interrupted_in_any_window(
    tmp_path: Path, whole: tuple[Trial, list[str]], window: int, ends: Callable[[], None]
):
    """Ctrl-C, or an API that is away: a trial that says so, the Service as it was; then as above."""
    trial, names = whole
    shop = MortalShop(folder=tmp_path, ends_at=serves(names)[window], ends=ends)
    with pytest.raises((KeyboardInterrupt, SamezoneError)):
        conducted(shop)
    (folder,) = (tmp_path / "runs").iterdir()
    left = on_file(folder)
    assert left.is_interrupted
    assert left.decision is Decision.INCONCLUSIVE
    assert len(left.windows) == window
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    assert left == experiment.read_trial(folder), "judged again from its windows"

    done, second = resumed(tmp_path)

    check_same(done.trial, trial)
    assert len(second.windows) == WINDOWS - window


def test_interrupted_again_and_again(tmp_path: Path, whole: tuple[Trial, list[str]]):
    """Six sittings of one window each; every gap is a caveat with its length."""
    trial, names = whole
    first = MortalShop(folder=tmp_path, ends_at=serves(names)[1])
    with pytest.raises(SamezoneError):
        conducted(first)
    for _ in range(WINDOWS - 2):
        with pytest.raises(SamezoneError):
            resumed(tmp_path, load=2)

    done, _ = resumed(tmp_path)

    check_same(done.trial, trial)
    gaps = [one.text for one in done.trial.caveats if one.code.startswith("interrupted")]
    assert len(gaps) == WINDOWS - 1
    assert all("was interrupted for 10 min, between " in text for text in gaps)
    assert "between null pair 1b and block 1 of 2, off" in gaps[1]


def test_a_gap_within_a_block_of_more_than_an_hour_begins_the_block_again(
    tmp_path: Path, whole: tuple[Trial, list[str]]
):
    """Its arms would differ in the hour of the day; the first window is left out, and that is said."""
    trial, names = whole
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, ends_at=serves(names)[3]))

    done, second = resumed(tmp_path, later_s=LONGEST_TEAR_S + 1)

    check_same(done.trial, trial)
    assert len(second.windows) == WINDOWS - 2
    (said,) = (one.text for one in done.trial.caveats if "begun again" in one.text)
    assert said.startswith("block 1 of 2, off (")
    kept = books.read(done.folder)
    assert [one.label for one in kept.given_up] == ["block 1 of 2, off", "block-1-of-2-tar"]
    assert done.trial.measuring.traces == 2000 * (WINDOWS + 1)


def test_a_gap_between_blocks_may_be_of_any_length(tmp_path: Path, whole: tuple[Trial, list[str]]):
    """A week later no window is measured twice, and measuring took no week."""
    trial, names = whole
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, ends_at=serves(names)[4]))

    done, second = resumed(tmp_path, later_s=7 * 24 * HOUR_S)

    check_same(done.trial, trial)
    assert len(second.windows) == 2
    (gap,) = (one.text for one in done.trial.caveats if one.code.startswith("interrupted"))
    assert "was interrupted for 168.0 h, between block 1 of 2, tar and block 2 of 2, tar" in gap
    assert done.trial.measuring.seconds < HOUR_S


def test_the_window_that_was_cut_is_marked(tmp_path: Path, whole: tuple[Trial, list[str]]):
    """It stays as a run, and says what stands for it: no history takes it for a point."""
    _, names = whole
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, ends_at=serves(names)[2] + 9))

    done, _ = resumed(tmp_path)

    used = {one.folder for one in done.trial.windows}
    (cut,) = (one for one in done.folder.iterdir() if one.is_dir() and one.name not in used)
    assert artifacts.is_set_aside(rundir.read_record(cut))
    assert [one.text for one in done.trial.caveats if one.code.startswith("given-up")] == [
        f"block-1-of-2-off ({cut.name}) is left out: the trial was interrupted in it."
    ]


def test_a_last_window_that_cannot_be_read_is_measured_once_more(
    tmp_path: Path, whole: tuple[Trial, list[str]]
):
    """It was being written when all ended; an earlier one that is damaged ends it by name."""
    trial, names = whole
    with pytest.raises(SamezoneError):
        conducted(MortalShop(folder=tmp_path, ends_at=serves(names)[3]))
    (folder,) = (tmp_path / "runs").iterdir()
    kept = books.read(folder)
    (folder / kept.windows[-1].folder / rundir.GRAPH).write_text("{")

    done, second = resumed(tmp_path)

    check_same(done.trial, trial)
    assert len(second.windows) == WINDOWS - 2
    (folder / experiment.TRIAL).unlink()
    (folder / kept.windows[0].folder / rundir.GRAPH).write_text("{")
    with pytest.raises(SamezoneError, match=r"its window null pair 1a cannot be read: reading .*graph.json"):
        resumed(tmp_path)


def test_a_finished_trial_that_was_not_written_down_is(tmp_path: Path, whole: tuple[Trial, list[str]]):
    """Killed before trial.json: nothing is measured."""
    shop = MortalShop(folder=tmp_path)
    folder = conducted(shop).folder
    (folder / experiment.TRIAL).unlink()

    done, second = resumed(tmp_path)

    check_same(done.trial, whole[0])
    assert second.windows == []


def test_one_process_at_a_time(tmp_path: Path):
    """A second one is refused with a line, as a Service that somebody measures is."""
    folder = conducted(MortalShop(folder=tmp_path)).folder
    (folder / experiment.TRIAL).unlink()

    with books.held(folder), pytest.raises(UnreachableError, match="another samezone is measuring it"):
        resumed(tmp_path)

    assert (folder / JOURNAL).is_file()
