"""The cluster's way of running, end to end: the lab's API taken for a live cluster, Locust as its pods."""

import json
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from k8s.lab import state as lab_state
from tests.lab.conftest import BIN, JUDGED, Lab, await_line, running_lab
from tests.lab.locust_pods import UI, LocustPods
from tests.loadtest.certificates import authority, front

pytestmark = pytest.mark.lab

LOAD = ("--rate", "60", "--duration", "6", "--warmup", "1", "--users", "9", "--seed", "3")
LONGER = ("--rate", "60", "--duration", "14", "--warmup", "1", "--users", "9", "--seed", "3")
ELSEWHERE = "http://catalog.catalog.svc.cluster.local:8080"
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: tests break its Locust, its X-Ray and its permissions."""
    yield from running_lab(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def pods(lab: Lab) -> Iterator[LocustPods]:
    """Locust in the cluster."""
    pods = LocustPods.of(lab.home / "lab", lab.folder / "locust")
    try:
        pods.start()
        yield pods
    finally:
        pods.stop()


def kubeconfig(lab: Lab) -> Path:
    return lab.home / "lab" / "kubeconfig"


def command(lab: Lab, *arguments: str, config: Path | None = None) -> list[str]:
    place = ("--platform", "cluster", "--kubeconfig", str(config or kubeconfig(lab)))
    return [str(BIN / "samezone"), *arguments, *place]


def cluster(
    lab: Lab, *arguments: str, config: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    """A samezone command as on a live cluster: a kubeconfig, and AWS by its environment."""
    return subprocess.run(
        command(lab, *arguments, config=config),
        cwd=lab.folder,
        env=lab.environment | extra,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(lab: Lab, *arguments: str, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(lab, *arguments),
        cwd=lab.folder,
        env=lab.environment | extra,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def newest(lab: Lab, arm: str) -> Path:
    return max((lab.folder / "runs").glob(f"*-{arm}"))


def record(lab: Lab, arm: str) -> dict:
    return json.loads((newest(lab, arm) / "record.json").read_bytes())


@pytest.fixture(scope="module")
def baseline(lab: Lab, pods: LocustPods) -> subprocess.CompletedProcess[str]:
    """A baseline, agreed to by --yes."""
    assert pods
    done = cluster(lab, "baseline", "--no-null", "--yes", "--context", "samezone-lab", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    return done


def test_what_will_change_is_shown(lab: Lab, baseline: subprocess.CompletedProcess[str]):
    """Context, API server, Service, load, workers by zone, X-Ray's share and price, and who is restarted."""
    assert "context  samezone-lab (API server http://127.0.0.1:" in baseline.stderr
    assert "Service  catalog/catalog: from off to off" in baseline.stderr
    assert "target   http://ui.ui.svc.cluster.local:8080" in baseline.stderr
    assert "load     60 requests/s for 7 s" in baseline.stderr
    assert "workers  eu-west-1a 1, eu-west-1b 1, eu-west-1c 1" in baseline.stderr
    assert "about 396 segments/s of 2,600, 420 traces (<$0.01)" in baseline.stderr
    assert "restart  Deployment ui/ui (3 pods), so that it opens new connections" in baseline.stderr
    assert lab.annotations().get(TOPOLOGY_MODE) is None


def test_the_record_says_what_was_found_and_done(lab: Lab, baseline: subprocess.CompletedProcess[str]):
    """A cluster, its region and data plane, the restart and its reason; every worker's requests."""
    assert baseline
    found = record(lab, "off")
    assert (found["place"]["platform"], found["place"]["region"]) == ("cluster", "eu-west-1")
    assert found["place"]["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert found["place"]["data_plane"] == ["not known on 3 nodes"]
    assert found["seen"]["recycled"]["deployments"] == ["ui/ui"]
    assert found["seen"]["recycled"]["pods"] == 3
    assert "may keep connections" in found["seen"]["recycled"]["reason"]
    assert {worker["zone"] for worker in found["seen"]["measured"]["workers"]} == set(found["place"]["zones"])
    assert not (newest(lab, "off") / "truth.json").exists()


def test_enable_tar_ends_with_a_comparison(lab: Lab, baseline: subprocess.CompletedProcess[str]):
    """Over the port-forward, with the clients restarted under the mode: all calls in their zone; kept on."""
    assert baseline
    done = cluster(lab, "enable", "tar", "--yes", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    assert lab.annotations()[TOPOLOGY_MODE] == "Auto"
    comparison = json.loads((newest(lab, "tar") / "comparison.json").read_bytes())
    (pair,) = [one for one in comparison["candidate"]["pairs"] if one["server"] == "catalog"]
    assert (pair["client"], pair["cross_zone"], pair["unknown"]) == ("ui", 0, 0)
    assert pair["same_zone"] > 200
    assert {one["code"] for one in comparison["candidate"]["caveats"]}.isdisjoint({"connections-unknown"})
    assert (newest(lab, "tar") / "report.html").exists()
    back = cluster(lab, "routing", "restore")
    assert back.returncode == 0
    assert lab.annotations().get(TOPOLOGY_MODE) is None


def test_without_agreement_nothing_is_changed(lab: Lab, baseline: subprocess.CompletedProcess[str]):
    """No terminal and no --yes: exit 2, no load, no restart, the Service as it was."""
    assert baseline
    before = lab.service()
    done = cluster(lab, "enable", "tar", *LOAD)
    assert (done.returncode, lab.service()) == (2, before)
    assert "nothing was changed; give --yes" in done.stderr
    setting = cluster(lab, "routing", "set", "tar")
    assert (setting.returncode, lab.service()) == (2, before)
    assert "Service  catalog/catalog: from off to tar" in setting.stderr


@pytest.mark.parametrize("verb", [("baseline",), ("enable", "tar"), ("routing", "set", "tar"), ("web",)])
def test_another_context_than_the_current_one_is_refused(lab: Lab, pods: LocustPods, verb: tuple[str, ...]):
    """Exit 2 and both names, before anything else is looked at."""
    assert pods
    done = cluster(lab, *verb, "--context", "production", "--yes")
    assert done.returncode == 2
    assert "the current context is samezone-lab, not production, so nothing was changed" in done.stderr


def test_a_zone_without_a_worker_is_refused(lab: Lab, pods: LocustPods):
    """Exit 4, the zone, and where to look; the Service as it was."""
    lost = pods.workers[1]
    pods.kill(lost.pod)
    try:
        done = cluster(lab, "run", "tar", "--yes", *LOAD)
    finally:
        pods.start_worker(lost)
    assert done.returncode == 4
    assert "none is ready in zone eu-west-1b (there are 2 in eu-west-1a, eu-west-1c)" in done.stderr
    assert lab.annotations().get(TOPOLOGY_MODE) is None


def test_a_port_forward_that_is_cut_is_made_again(lab: Lab, pods: LocustPods):
    """The pod's streams are cut in the middle of the load; the run goes on and counts every request."""
    process = start(lab, "run", "tar", "--yes", *LOAD)
    await_line(process, "measuring")
    time.sleep(1)
    pods.hide_master()
    time.sleep(2)
    pods.show_master()
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    found = record(lab, "tar")
    assert found["status"] == "complete"
    workers = found["seen"]["measured"]["workers"]
    assert 350 <= sum(worker["requests"] for worker in workers) < 450  # 360, give or take a few
    assert sum(worker["failures"] for worker in workers) == 0


def test_a_worker_pod_that_is_replaced_is_taken_in(lab: Lab, pods: LocustPods):
    """A new pod in the same zone goes on with the load; the run is whole, and says who was lost."""
    lost = pods.workers[1]
    process = start(lab, "run", "tar", "--yes", *LONGER)
    await_line(process, "measuring")
    time.sleep(3)  # it tells what it did every second or so
    pods.kill(lost.pod)
    new = replace(lost, pod=f"{lost.pod}-new")
    pods.start_worker(new)
    _, err = process.communicate(timeout=120)
    pods.kill(new.pod)
    pods.start_worker(lost)
    assert process.returncode == 0, err
    found = record(lab, "tar")
    (loss,) = found["seen"]["measured"]["losses"]
    assert (loss["worker"], loss["zone"], loss["replaced_by"]) == (lost.pod, lost.zone, new.pod)
    assert 0 < loss["back_s"] - loss["lost_s"] < 12
    workers = {worker["worker"]: worker for worker in found["seen"]["measured"]["workers"]}
    assert workers[lost.pod]["requests"] > 0
    assert workers[new.pod]["requests"] > 20
    assert sum(worker["failures"] for worker in workers.values()) == 0


def test_a_master_that_restarts_ends_the_run(lab: Lab, pods: LocustPods):
    """Exit 4: its counts are gone; what it had told is kept, and the Service gets back what it had."""
    process = start(lab, "run", "tar", "--yes", *LOAD)
    await_line(process, "measuring")
    time.sleep(2)
    pods.kill_master()
    pods.start_master()
    _, err = process.communicate(timeout=90)
    for worker in pods.workers:
        pods.kill(worker.pod)
        pods.start_worker(worker)
    assert process.returncode == 4, err
    assert "was restarted during the load and lost its counts" in err
    found = record(lab, "tar")
    assert found["status"] == "failed"
    assert sum(worker["requests"] for worker in found["seen"]["measured"]["workers"]) > 0
    assert lab.annotations().get(TOPOLOGY_MODE) is None


def test_a_target_that_leads_elsewhere_is_refused(lab: Lab, pods: LocustPods):
    """Exit 2 and one line, before anything is asked or changed; on the lab the same."""
    assert pods
    before, runs = lab.service(), set((lab.folder / "runs").glob("*"))
    done = cluster(lab, "run", "tar", "--yes", "--target", ELSEWHERE, *LOAD)
    here = lab.samezone("run", "tar", "--target", ELSEWHERE, *LOAD)
    for refused in (done, here):
        assert refused.returncode == 2
        (line,) = refused.stderr.splitlines()
        assert (
            "elsewhere than to the client Service ui/ui: Service catalog/catalog; nothing was changed" in line
        )
    unknown = cluster(lab, "run", "tar", "--yes", "--target", "https://127.0.0.9:8443", *LOAD)
    assert unknown.returncode == 2
    assert "give --target-unchecked" in unknown.stderr
    assert (lab.service(), set((lab.folder / "runs").glob("*"))) == (before, runs)


def test_the_target_travels_with_the_run(lab: Lab, pods: LocustPods, tmp_path: Path):
    """Whatever the workers' Deployment says: another client, which nothing else would have loaded."""
    assert pods
    pages = tmp_path / "pages.yaml"
    pages.write_text("pages: [{name: home, path: /home}]\n")
    load = ("--client", "catalog/catalog", "--recycle", "never", "--yes", "--propagate", "xray", *LOAD)
    done = cluster(lab, "run", "off", "--arm", "elsewhere", *load)
    assert done.returncode == 2
    assert "only the pages of ui/ui are known here; say which to open by --pages FILE" in done.stderr
    load = ("--pages", str(pages), *load)
    done = cluster(lab, "run", "off", "--arm", "elsewhere", *load)
    assert "target   http://catalog.catalog.svc.cluster.local:8080" in done.stderr
    workers = record(lab, "elsewhere")["seen"]["measured"]["workers"]
    # The catalog has no home page: an answer of its own, where the store's front would have said 200.
    assert {code for worker in workers for code, _ in worker["errors"]} == {"HTTP 404"}


def test_https_by_a_load_balancer_that_nobody_knows(lab: Lab, pods: LocustPods, tmp_path: Path):
    """With its CA every request goes through, and the record says what was not checked; without it none."""
    made = authority(tmp_path / "ca")
    state = lab_state.load(lab.home / "lab")
    ui = urlsplit(state.service_url(state.nodes[0].name, UI))
    load = ("--recycle", "never", "--yes", "--target-unchecked", *LOAD)
    with front(made.server("IP:127.0.0.9"), "127.0.0.9", (str(ui.hostname), int(ui.port or 0))) as port:
        target = ("--target", f"https://127.0.0.9:{port}/")
        trusting = cluster(
            lab, "run", "off", "--arm", "tls", *target, "--target-ca", str(made.folder / "ca.pem"), *load
        )
        doubting = cluster(lab, "run", "off", "--arm", "doubt", *target, *load)
    assert pods
    assert trusting.returncode == 0, trusting.stderr
    assert f"target   https://127.0.0.9:{port} (127.0.0.9 is nothing of the cluster" in trusting.stderr
    found = record(lab, "tls")
    assert "target-unchecked" in {one["code"] for one in found["caveats"]}
    assert sum(one["requests"] for one in found["seen"]["measured"]["workers"]) > 150
    assert sum(one["failures"] for one in found["seen"]["measured"]["workers"]) == 0
    assert doubting.returncode == 0, doubting.stderr
    workers = record(lab, "doubt")["seen"]["measured"]["workers"]
    why = "certificate refused: unable to get local issuer certificate"
    assert [one["errors"] for one in workers] == [[[why, one["requests"]]] for one in workers]


def test_a_lab_loads_its_client_by_name_and_traces_it_by_x_rays_header(lab: Lab):
    """The graph holds every request although no ``traceparent`` was sent; two workers share a zone's load."""
    target = "http://ui.ui.svc.cluster.local:8080"
    asked = ("--target", target, "--propagate", "xray", "--workers", "2")
    done = lab.samezone("baseline", "--no-null", *asked, *LOAD)
    assert done.returncode in JUDGED, done.stderr
    assert done.stderr.count(f"target   {target} (Service ui/ui)") == 1
    graph = json.loads((newest(lab, "off") / "graph.json").read_bytes())
    measured = record(lab, "off")["seen"]["measured"]["workers"]
    assert sum(worker["failures"] for worker in measured) == 0
    assert all(worker["lean"] == worker["requests"] > 0 for worker in measured)
    zones = Counter(worker["zone"] for worker in measured)
    assert (len(zones), set(zones.values())) == (3, {2})
    assert len({worker["worker"] for worker in measured}) == 6
    assert graph["reconciled"]
    assert graph["sampled"] == sum(worker["requests"] for worker in measured)
    # The ui went on with the traces that X-Ray's header began: the graph has what the relays counted.
    row = json.loads((newest(lab, "off") / "row.json").read_bytes())["row"]
    counted = json.loads((newest(lab, "off") / "truth.json").read_bytes())["rows"]
    calls = sum(one["connections"] for one in counted if one["service"]["name"] == "catalog")
    assert (row["calls"], row["unknown"]) == (calls, 0)
    assert calls > 40


def test_nodes_that_may_not_be_listed(lab: Lab, pods: LocustPods):
    """RBAC says no: exit 5, what is missing, and what to ask for."""
    assert pods
    config = yaml.safe_load(kubeconfig(lab).read_text())
    for user in config["users"]:
        user["user"] = {"token": user["user"]["token"] + "/deny:list:nodes"}
    path = lab.folder / "denied"
    path.write_text(yaml.safe_dump(config))
    done = cluster(lab, "baseline", "--yes", *LOAD, config=path)
    assert done.returncode == 5
    assert "listing nodes in context samezone-lab: forbidden; ask for a ClusterRole" in done.stderr


def test_a_graph_under_transaction_search_is_refused_before_any_load(lab: Lab, pods: LocustPods):
    """Exit 4 with the command that sets it back; nothing was changed and no run folder is left."""
    assert pods
    destination = ("xray", "update-trace-segment-destination", "--destination")
    runs = set((lab.folder / "runs").glob("*"))
    assert lab.tool("aws", *destination, "CloudWatchLogs").returncode == 0
    try:
        done = cluster(lab, "baseline", "--source", "xray", "--yes", *LOAD)
    finally:
        assert lab.tool("aws", *destination, "XRay").returncode == 0
    assert done.returncode == 4
    assert "aws xray update-trace-segment-destination --destination XRay" in done.stderr
    assert set((lab.folder / "runs").glob("*")) == runs


def turn(lab: Lab, **knobs: object) -> None:
    """Turn the stand-in's knobs while it runs."""
    request = urllib.request.Request(
        f"{lab.environment['AWS_ENDPOINT_URL_XRAY']}/_standin/knobs",
        data=json.dumps(knobs).encode(),
        method="POST",
        headers={"Samezone-Control": lab.environment["SAMEZONE_LAB_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_credentials_that_expire_before_the_graph_is_read(lab: Lab, pods: LocustPods):
    """Exit 5, what was measured is kept, and ``samezone collect`` goes on from there with new ones."""
    assert pods
    process = start(lab, "baseline", "--no-null", "--yes", *LOAD)
    await_line(process, "measuring")
    turn(lab, refuse="expired")
    try:
        _, err = process.communicate(timeout=90)
        assert process.returncode == 5, err
        assert "ExpiredTokenException" in err
        assert "renew the AWS credentials" in err
        folder = newest(lab, "off")
        assert f"go on with: samezone collect runs/{folder.name}" in err
        assert not (folder / "graph.json").exists()
    finally:
        turn(lab, refuse="")
    done = subprocess.run(
        [str(BIN / "samezone"), "collect", str(folder)],
        cwd=lab.folder,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "graph.json").read_bytes())["reconciled"]


def test_an_x_ray_that_throttles_costs_time_only(lab: Lab, pods: LocustPods):
    """Polls that are refused are tried again until X-Ray answers; the run is whole."""
    assert pods
    process = start(lab, "baseline", "--no-null", "--yes", *LOAD)
    await_line(process, "measuring")
    turn(lab, throttle_for_s=16)
    _, err = process.communicate(timeout=110)
    assert process.returncode in JUDGED, err
    assert json.loads((newest(lab, "off") / "graph.json").read_bytes())["reconciled"]
