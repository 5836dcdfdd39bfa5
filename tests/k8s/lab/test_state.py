"""The lab's state file and what is written beside it."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from k8s.errors import UnreachableError
from k8s.lab import state as lab_state
from k8s.lab.design.settings import LabSettings, PairDelay
from k8s.lab.design.store_app import CATALOG, UI
from k8s.lab.processes import ProcessId, identify
from k8s.lab.run.lineup import plan_lab
from k8s.lab.state import Crash, LabState, Phase
from k8s.topology import NodeName, ServiceKey, Zone

NODE = NodeName("node-b-1")
TOKEN = "0123456789abcdef"  # noqa: S105 - no secret


@pytest.fixture
def up(tmp_path: Path) -> LabState:
    """The state of a lab that is up, kept by this very process."""
    pairs = (PairDelay(zones=(Zone("eu-west-1a"), Zone("eu-west-1b")), delay_s=0.002),)
    settings = LabSettings(state_dir=str(tmp_path), api_port=16443, xray_port=16080, pair_delays=pairs)
    me = identify(os.getpid())
    assert me is not None
    return replace(plan_lab(settings, octet=103, token=TOKEN).state(me, 1700000000.5), phase=Phase.UP)


def test_what_was_written_is_what_is_read(up: LabState) -> None:
    """Every value, settings included."""
    lab_state.write(up)
    assert lab_state.read(up.state_dir) == up
    assert lab_state.load(up.state_dir) == up


def test_the_state_of_a_lab_before_there_was_prometheus_is_read(up: LabState) -> None:
    """It has none."""
    lab_state.write(up)
    path = up.state_dir / lab_state.STATE_FILE
    old = json.loads(path.read_text())
    for part, names in ((old, ["url", "restarts"]), (old["settings"], ["port", "scrape_s"])):
        for name in names:
            del part[f"prometheus_{name}"]
    path.write_text(json.dumps(old))
    assert lab_state.read(up.state_dir) == up
    assert up.prometheus_url is None


def test_the_url_of_prometheus_is_in_the_state(tmp_path: Path) -> None:
    """For everybody who asks it."""
    settings = LabSettings(state_dir=str(tmp_path), prometheus_scrape_s=1.0, prometheus_port=9)
    plan = plan_lab(settings, octet=103, token=TOKEN)
    assert plan.state(ProcessId(pid=1, started=""), 0.0).prometheus_url == "http://127.0.0.1:9"


def test_the_addresses_are_those_of_the_scheme(up: LabState) -> None:
    """Per node: the relay, and each Service's own address."""
    assert up.node(NODE).relay_admin_url == "http://127.103.0.2:10249"
    assert up.relay_admin_urls[1] == up.node(NODE).relay_admin_url
    assert up.service_url(NODE, CATALOG) == "http://127.103.202.1:8080"
    assert up.service_url(NODE, UI) == "http://127.103.202.2:8080"
    assert up.otlp_url == "http://127.0.0.1:16080/v1/traces"


def test_what_the_lab_does_not_have_is_named_with_what_it_has(up: LabState) -> None:
    """One line, so that a typing error is seen."""
    with pytest.raises(UnreachableError, match="no node node-x; it has node-a-1, node-b-1, node-c-1"):
        up.node(NodeName("node-x"))
    with pytest.raises(UnreachableError, match="no address of Service a/b on node node-b-1; it has node-a-1"):
        up.service_url(NODE, ServiceKey(namespace="a", name="b"))


def test_without_a_lab_the_message_says_how_to_start_one(tmp_path: Path) -> None:
    """No state at all."""
    assert lab_state.read(tmp_path) is None
    with pytest.raises(UnreachableError, match=r"the lab is not up .* start it with: .*samezone lab up"):
        lab_state.load(tmp_path)


def test_a_crashed_lab_is_not_loaded(up: LabState) -> None:
    """The message has the part, how it ended, and its last words."""
    crash = Crash(name="xray", how="exit code 70", log_lines=("Traceback", "ValueError: no"))
    lab_state.write(replace(up, phase=Phase.CRASHED, crash=crash))
    with pytest.raises(UnreachableError, match=r"crashed: xray ended \(exit code 70\): ValueError: no"):
        lab_state.load(up.state_dir)


def test_a_supervisors_number_used_again_by_another_is_not_it(up: LabState) -> None:
    """The process with that number started at another time."""
    lab_state.write(replace(up, supervisor=ProcessId(pid=os.getpid(), started="before the flood")))
    with pytest.raises(UnreachableError, match="is gone; clean up with: samezone lab down"):
        lab_state.load(up.state_dir)


def test_a_starting_lab_is_not_loaded_yet(up: LabState) -> None:
    """It will be in a moment."""
    lab_state.write(replace(up, phase=Phase.STARTING))
    with pytest.raises(UnreachableError, match="still starting"):
        lab_state.load(up.state_dir)


def test_an_unreadable_state_says_which_key(up: LabState) -> None:
    """Of another version, or cut off."""
    lab_state.write(up)
    path = up.state_dir / lab_state.STATE_FILE
    path.write_text(path.read_text().replace('"octet": 103', '"octet": "x"'))
    with pytest.raises(UnreachableError, match=r"Expected `int`, got `str` - at `\$.octet`"):
        lab_state.read(up.state_dir)


def test_the_env_file_is_what_a_shell_reads(tmp_path: Path, up: LabState) -> None:
    """Also where the folder's name has a space."""
    folder = tmp_path / "my lab"
    folder.mkdir()
    state = replace(up, settings=replace(up.settings, state_dir=str(folder)))
    lab_state.write_access_files(state)
    script = f". {shlex.quote(str(folder / 'env'))} && env"
    shell = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    seen = dict(line.partition("=")[::2] for line in shell.stdout.splitlines())
    assert state.env == {name: seen[name] for name in state.env}
    assert seen["KUBECONFIG"] == str(folder / "kubeconfig")
    assert seen["AWS_ENDPOINT_URL_XRAY"] == "http://127.0.0.1:16080"
    assert seen["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] == seen["AWS_ENDPOINT_URL_XRAY"]


def test_the_kubeconfig_names_context_and_cluster(up: LabState) -> None:
    """What the harness and kubectl look for."""
    lab_state.write_access_files(up)
    found = yaml.safe_load(up.kubeconfig.read_text())
    assert found["current-context"] == "samezone-lab"
    assert [one["name"] for one in found["clusters"]] == ["samezone-lab"]
    assert found["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:16443"}


def test_removing_forgets_all_but_the_logs(up: LabState) -> None:
    """And does so twice without complaint."""
    lab_state.write(up)
    lab_state.write_access_files(up)
    log = up.state_dir / lab_state.LOG_DIR / "xray.log"
    log.parent.mkdir()
    log.write_text("one\n\ntwo\nthree\n")
    for _ in range(2):
        lab_state.remove(up.state_dir)
    assert {path.name for path in up.state_dir.iterdir()} == {"logs"}
    assert lab_state.last_lines(log, 2) == ("two", "three")
    assert lab_state.last_lines(log.with_name("none.log")) == ()


@pytest.fixture
def _careless() -> Iterator[None]:
    """A user whose files anybody may read and write, unless they say otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_careless")
def test_what_holds_the_token_is_its_owners_alone(up: LabState) -> None:
    """Whatever an earlier lab left there."""
    for name in ("kubeconfig", "kubeconfig.new", "env.new", "state.json.new"):
        (up.state_dir / name).write_text("of an earlier lab")
    lab_state.write(up)
    lab_state.write_access_files(up)

    assert {path.name: oct(path.stat().st_mode & 0o777) for path in up.state_dir.iterdir()} == dict.fromkeys(
        ("state.json", "kubeconfig", "env"), "0o600"
    )
    assert TOKEN not in repr(up)


@pytest.mark.usefixtures("_careless")
def test_it_is_so_before_the_file_is_in_its_place(up: LabState) -> None:
    """Here it never gets there."""
    up.kubeconfig.mkdir()
    with pytest.raises(IsADirectoryError):
        lab_state.write_access_files(up)
    new = up.kubeconfig.with_name("kubeconfig.new")

    assert TOKEN in new.read_text()
    assert oct(new.stat().st_mode & 0o777) == "0o600"


def test_the_kubeconfig_says_the_token_as_clients_read_it(up: LabState) -> None:
    """As a bearer token, and in the way that kubectl sends without TLS."""
    lab_state.write_access_files(up)
    (user,) = yaml.safe_load(up.kubeconfig.read_text())["users"]

    assert user["user"] == {"token": TOKEN, "as": "samezone-lab", "as-user-extra": {"token": [TOKEN]}}
