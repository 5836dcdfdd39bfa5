"""Run folders: what is written is read back, and what is broken is named."""

import gzip
from pathlib import Path

import msgspec
import pytest

from k8s.errors import UsageError
from k8s.topology import Event, HintsSeen, Node, NodeName, Service, ServiceKey, Snapshot, Zone
from loadtest import rundir
from loadtest.record import Asked, Caveat, LoadSeen, Place, RunRecord, RunStatus, Seen, Window
from loadtest.worker.latency import histogram
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally


def record(**changes) -> RunRecord:
    service = Service(namespace="catalog", name="catalog", annotations=(("a", "<b>"),))
    hints = HintsSeen(at_s=1.0, endpoints=6, hinted=0, own_zone=0)
    worker = WorkerTally(worker="w1", zone="a", node="n1", requests=5, latency=histogram([(3, 2), (1, 3)]))
    values = {
        "run_id": "r1",
        "arm": "off",
        "status": RunStatus.COMPLETE,
        "created_s": 100.0,
        "place": Place(platform="lab", context="c", server="s", version="v", region="r", zones=("a", "b")),
        "asked": Asked(
            mode="off",
            service=ServiceKey(namespace="catalog", name="catalog"),
            client=ServiceKey(namespace="ui", name="ui"),
            plan=LoadPlan(),
        ),
        "seen": Seen(
            service_before=service,
            service_during=service,
            hints_start=hints,
            hints_end=hints,
            events=(Event(type="Normal", reason="R", message="m", last_seen_s=3.0),),
            measured=LoadSeen(seconds=10.0, workers=(worker,)),
        ),
        "measured": Window(start_s=100.0, end_s=113.0),
        "caveats": (Caveat(code="x", text="y"),),
    }
    return RunRecord(**(values | changes))


def saved(folder: Path, **changes) -> Path:
    rundir.write_json(folder / rundir.RECORD, record(**changes))
    return folder


def test_a_record_survives_the_round_trip(tmp_path: Path):
    """Every field of a record reads back as it was written."""
    assert record() == rundir.read_record(saved(tmp_path))


def test_unknown_keys_are_accepted(tmp_path: Path):
    """A record of a later version with more keys still reads."""
    path = saved(tmp_path) / rundir.RECORD
    path.write_bytes(path.read_bytes().replace(b'"run_id"', b'"new_key": {"a": [1]}, "run_id"'))

    assert record() == rundir.read_record(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b'"requests": 5',
            b'"requests": "five"',
            r"Expected `int`, got `str` - at `\$\.seen\.measured\.workers",
        ),
        (b'"run_id": "r1",', b"", r"missing required field `run_id`"),
        (b'"schema": 1', b'"schema": 99', r"schema 99 is not known \(newest here is 1\)"),
        (b'"schema": 1,', b'"new_key": 1, "schema": 99,', r"schema 99 is not known"),
        (b'"schema": 1,', b"", r"missing required field `schema`; this is not one of our artifacts"),
        (
            b'"end_s": 113.0',
            b'"end_s": 93.0',
            r"measured window ends 7 s before it starts; the clock went back",
        ),
        (b'"rate_per_s": 50.0', b'"rate_per_s": -1.0', r"rate_per_s is -1"),
    ],
)
def test_a_broken_record_names_key_and_reason(tmp_path: Path, old: bytes, new: bytes, message: str):
    """One line with the file, the key and why."""
    path = saved(tmp_path) / rundir.RECORD
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))

    with pytest.raises(UsageError, match=message) as caught:
        rundir.read_record(tmp_path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 100, -2])
def test_a_truncated_record_is_said_to_be_truncated(tmp_path: Path, keep: int):
    """Cut anywhere, it is not JSON any more, and the message says so."""
    path = saved(tmp_path) / rundir.RECORD
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(UsageError, match="may be truncated"):
        rundir.read_record(tmp_path)


def test_a_folder_that_is_no_run(tmp_path: Path):
    """A folder without a record, and a folder that is not there, are told apart."""
    with pytest.raises(UsageError, match=r"not a run folder, it holds no record\.json"):
        rundir.read_record(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        rundir.read_record(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["topology.jsonl", "topology.jsonl.gz"])
def test_lines_round_trip(tmp_path: Path, name: str):
    """Snapshots are kept one a line, compressed where the name says so."""
    node = Node(name=NodeName("n"), zone=Zone("a"), ready=True, cpu_allocatable_milli=4000)
    rows = (Snapshot(taken_at_s=1.0, nodes=(node,)), Snapshot(taken_at_s=2.0))

    rundir.write_lines(tmp_path / name, rows)

    assert rows == rundir.read_lines(tmp_path / name, Snapshot)


def test_a_broken_line_is_named(tmp_path: Path):
    """The line's number is in the message."""
    path = tmp_path / "topology.jsonl"
    path.write_bytes(msgspec.json.encode(Snapshot(taken_at_s=1.0)) + b'\n{"taken_at_s": ')

    with pytest.raises(UsageError, match=r"topology\.jsonl line 2"):
        rundir.read_lines(path, Snapshot)


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path):
    """Nothing measured is overwritten."""
    first = rundir.create(tmp_path, "off", now_s=0.0)
    second = rundir.create(tmp_path, "off", now_s=0.4)

    assert (first.name, second.name) == ("19700101T000000Z-off", "19700101T000000Z-off.2")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path):
    """A value that cannot be encoded does not touch what was there."""
    path = tmp_path / "x.json"
    rundir.write_json(path, {"a": 1})

    with pytest.raises(TypeError):
        rundir.write_json(path, {"a": object()})

    assert path.read_bytes() == b'{\n "a": 1\n}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"requests": 5', b'"requests": -5', r"workers\[0\]\.requests is -5, below zero"),
        (b'"failures": 0', b'"failures": 6', r"failures is 6, of 5 requests"),
        (b'"requests": 5', b'"requests": 1' + b"0" * 39, r"requests is a number of 130 bits"),
        (b'"created_s": 100.0', b'"created_s": 1e300', r"created_s is 1e\+300, beyond anything real"),
        (b'"created_s": 100.0', b'"created_s": NaN', r"not valid JSON"),
        (b'"created_s": 100.0', b'"created_s": 1e999', r"Number out of range"),
        (b'"run_id": "r1"', b'"run_id": "\xff"', r"not valid JSON"),
        (b'"run_id": "r1"', b'"run_id": "r1", "x": ' + b"[" * 100_000, r"nested too deeply"),
    ],
)
def test_numbers_and_bytes_that_cannot_be_are_one_line(tmp_path: Path, old: bytes, new: bytes, message: str):
    """With the file, the key and why, whatever the damage is."""
    path = saved(tmp_path) / rundir.RECORD
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))

    with pytest.raises(UsageError, match=message) as caught:
        rundir.read_record(tmp_path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_gzip_is_one_line_whichever_byte_it_is(tmp_path: Path):
    """A bit turned over anywhere, or the end missing, is damage or still the same rows; nothing else."""
    path = tmp_path / rundir.TRACES
    rows = tuple({"Id": f"1-{number}", "Segments": []} for number in range(50))
    rundir.write_lines(path, rows)
    whole = path.read_bytes()
    found, said = set(), []
    for at in range(len(whole)):
        for data in (whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :], whole[:at]):
            path.write_bytes(data)
            try:
                found.add(rundir.read_lines(path, dict) == rows)
            except UsageError as error:
                said.append(str(error))

    assert found == {True}
    assert len(said) > len(whole)
    assert all(one.startswith(f"reading {path}") for one in said)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reading stops at the bound; what comes after it is never unpacked."""
    path = tmp_path / rundir.TRACES
    path.write_bytes(gzip.compress(b"0" * 3_000_000))
    monkeypatch.setattr(rundir, "MOST_BYTES", 1_000_000)

    with pytest.raises(UsageError, match="it holds more than 0 MiB"):
        rundir.read_lines(path, dict)
