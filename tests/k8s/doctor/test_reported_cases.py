"""Situations from public reports, with their right answers: the inputs lie beside the checkout.

``python -m tests.k8s.doctor.test_reported_cases`` prints the table: case, answer, exit code.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analysis.cli import main
from k8s.console import Io
from k8s.doctor.examination import examine
from k8s.doctor.finding import Severity
from k8s.live import saved
from k8s.topology import ServiceKey
from tests.k8s.doctor.doctor_shell import applied

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "cases"
HERE = pytest.mark.skipif(not FOLDER.is_dir(), reason="the reported cases are not beside this checkout")
SHOP, CATALOG = "shop/shop", "catalog/catalog"
ALL = ("off", "tar", "prefer-close", "prefer-same-zone", "prefer-same-node")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What has to come out."""

    exit_code: int
    has: dict[str, str] = field(default_factory=dict)
    """Code: severity."""
    lacks: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    """Words of the doctor."""
    unsaid: tuple[str, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)
    """By mode, in percent, as predicted."""
    load: dict[str, float] = field(default_factory=dict)
    """By mode, of the busiest endpoint."""
    noted: str = ""
    """Words of the predictor."""
    service: str = SHOP
    client: str | None = None
    fixed_by: str = ""
    """The code whose fix is applied, and that is gone then."""


FRONT = "front/front"
NGINX = "ingress-nginx/ingress-nginx-controller"
ANSWERS: dict[str, Answer] = {
    "01-windows-clients": Answer(
        exit_code=4,
        client=FRONT,
        has={"D45": "problem"},
        shares=dict.fromkeys(ALL, 33.3),
        said=("winkernel",),
    ),
    "02-openshift-ovn": Answer(
        exit_code=4,
        has={"D45": "problem"},
        said=("OVN-Kubernetes",),
        shares=dict.fromkeys(ALL, 33.3),
        unsaid=("In force",),
    ),
    "04-kube-router": Answer(
        exit_code=4, has={"D45": "problem"}, said=("kube-router",), shares=dict.fromkeys(ALL, 33.3)
    ),
    "05-ingress-nginx-client": Answer(
        exit_code=4, client=NGINX, has={"D45": "problem"}, shares=dict.fromkeys(ALL, 33.3)
    ),
    "07-slice-without-manager-auto": Answer(
        exit_code=4,
        has={"D21": "problem"},
        lacks=("D30",),
        said=("there are 8",),
        shares={"tar": 33.3},
        fixed_by="D21",
    ),
    "08-selector-removed": Answer(
        exit_code=4,
        has={"D02": "problem"},
        said=("stale", "pods that are gone"),
        unsaid=("by hand",),
        fixed_by="D02",
    ),
    "09-azure-fault-domains": Answer(exit_code=0, has={"D16": "risk"}, shares={"prefer-close": 100.0}),
    "10-node-gone": Answer(
        exit_code=4,
        has={"D35": "problem", "D32": "risk"},
        said=("ip-10-0-3-99", "FailedToUpdateEndpointSlices"),
        fixed_by="D35",
    ),
    "11-wrong-annotation-key": Answer(
        exit_code=4,
        has={"D04": "problem"},
        said=("service.kubernetes.io/topology-aware-routing", "service.kubernetes.io/topology-mode"),
        fixed_by="D04",
    ),
    "13-aggregated-event": Answer(
        exit_code=4,
        has={"D30": "problem"},
        said=("refused for a reason that no longer holds", "(8 endpoints, 3 zones)"),
        unsaid=("switched off",),
        fixed_by="D30",
    ),
    "14-nodes-relabelled": Answer(
        exit_code=4,
        has={"D34": "problem"},
        unsaid=("topologySpreadConstraints",),
        said=("samezone/touched",),
        shares={"prefer-close": 33.3},
        fixed_by="D34",
    ),
    "15-rollout-terminating": Answer(
        exit_code=4,
        has={"D21": "problem"},
        said=("there are 8", "scale deployment/shop --replicas=9"),
        unsaid=("describe pods",),
        fixed_by="D21",
    ),
    "17-argo-rollout": Answer(
        exit_code=4,
        has={"D21": "problem"},
        said=("scale rollout/shop",),
        unsaid=("deployment",),
        fixed_by="D21",
    ),
    "19-preferclose-hot-zone": Answer(
        exit_code=0, has={"D52": "risk"}, said=("4.00 times",), load={"prefer-close": 4.0}
    ),
    "20-fargate-client-mixed": Answer(
        exit_code=0, client="front/front-6f5d-xk2vp", has={"D45": "note"}, said=("AWS does not document",)
    ),
    "21-virtual-kubelet": Answer(
        exit_code=4,
        has={"D10": "problem"},
        said=("virtual-kubelet-eu-west-1a",),
        unsaid=("kubectl label node",),
        fixed_by="D10",
    ),
    "23-slice-pending-deletion": Answer(
        exit_code=4,
        has={"D36": "problem"},
        said=("shop-old99",),
        unsaid=("samezone/touched",),
        fixed_by="D36",
    ),
    "31-istio-sidecars": Answer(
        exit_code=4,
        client=FRONT,
        has={"D45": "problem"},
        said=("Istio",),
        shares={"tar": 33.3, "prefer-close": 100.0},
        fixed_by="D45",
    ),
    "32-istio-ambient": Answer(
        exit_code=0, has={"D45": "risk"}, said=("Istio",), noted="ignores the annotation"
    ),
    "34-kube-proxy-other-image-names": Answer(
        exit_code=4, has={"D44": "problem"}, said=("kube-proxy on 3 nodes",), shares={"prefer-close": 33.3}
    ),
    "35-named-ports-differ": Answer(
        exit_code=0, has={"D46": "risk"}, said=("holds for http only",), noted="port metrics"
    ),
    "37-loadbalancer-ip-targets": Answer(
        exit_code=0,
        has={"D45": "risk"},
        said=("66.7\u00a0%", "service.beta.kubernetes.io/aws-load-balancer-attributes"),
    ),
    "40-dual-stack-d42-second-family": Answer(
        exit_code=0, has={"D42": "risk"}, said=("eu-west-1c (IPv6)",), noted="IPv6:"
    ),
    "42-gpu-and-cordoned": Answer(
        exit_code=4, has={"D30": "problem"}, unsaid=("cordon", "taint"), noted="7/1/1", fixed_by="D30"
    ),
    "43-zone-outage": Answer(exit_code=0, lacks=("D21",), shares={"tar": 100.0}),
    "46-local-zone": Answer(exit_code=0, shares={"tar": 100.0}),
    "47a-aws-post-case1": Answer(
        exit_code=0,
        service=CATALOG,
        lacks=("D52",),
        shares={"prefer-close": 100.0},
        load={"prefer-close": 1.0},
    ),
    "47b-aws-post-case2": Answer(
        exit_code=0,
        service=CATALOG,
        has={"D52": "risk", "D42": "risk"},
        shares={"prefer-close": 66.7},
        load={"prefer-close": 4 / 3},
    ),
    "48-eks-auto-mode": Answer(exit_code=0, has={"D45": "note"}, said=("AWS does not document",)),
}


def files(case: str) -> list[str]:
    return [str(path) for path in (FOLDER / case / "saved.json", FOLDER / case / "version.json")]


def run(*words: str) -> tuple[int, str]:
    """Through the real command line: the exit code, and all that was written."""
    out = io.StringIO()
    code = main(list(words), Io(out=out, err=out))
    return code, out.getvalue()


def client_words(answer: Answer) -> list[str]:
    return ["--client", answer.client] if answer.client else []


@HERE
@pytest.mark.parametrize("case", ANSWERS)
def test_doctor(case: str) -> None:
    """The doctor gives the right answer, by its codes, its words and its exit code."""
    answer = ANSWERS[case]

    code, text = run("routing", "doctor", answer.service, *client_words(answer), "--from", *files(case))

    found = [line.split(maxsplit=2)[:2] for line in text.splitlines() if line.startswith("D")]
    assert code == answer.exit_code, text
    for name, severity in answer.has.items():
        assert [name, severity] in found
    assert not {name for name, _ in found} & {*answer.lacks}
    for said in answer.said:
        assert said in text
    told = text.replace(str(FOLDER / case), "")
    for unsaid in answer.unsaid:
        assert unsaid not in told


@HERE
@pytest.mark.parametrize("case", ANSWERS)
def test_predict(case: str) -> None:
    """The predictor's shares and loads are the right ones, with its caveats."""
    answer = ANSWERS[case]
    words = ("routing", "predict", answer.service, *client_words(answer), "--from", *files(case))
    # The client of one case is a pod, which the predictor takes by its workload's name.
    words = tuple("front/front" if word == "front/front-6f5d-xk2vp" else word for word in words)

    code, text = run(*words, "--json")
    data = json.loads(text)

    by_mode = {one["mode"]: one for one in data["predictions"]}
    assert code == 0
    for mode, percent in answer.shares.items():
        share = by_mode[mode]["same_zone_share"]
        assert (share["least"] * 100, share["greatest"] * 100) == pytest.approx((percent, percent), abs=0.05)
    for mode, load in answer.load.items():
        assert by_mode[mode]["endpoint_load"]["greatest"] == pytest.approx(load)
    assert answer.noted in run(*words)[1]


@HERE
@pytest.mark.parametrize("case", ANSWERS)
def test_never_healthier_than_predicted(case: str) -> None:
    """Where the doctor promises a share, the predictor promises the same clients no less."""
    answer = ANSWERS[case]
    promised = _promised(answer, case)
    predicted = _predicted(answer, case)

    if promised is not None and predicted is not None:
        assert promised <= predicted + 0.05


def _promised(answer: Answer, case: str) -> float | None:
    text = run("routing", "doctor", answer.service, *client_words(answer), "--from", *files(case))[1]
    line = next((line for line in text.splitlines() if line.startswith("D00")), "")
    return min(map(float, re.findall(r"(\d+\.\d+)\u00a0%", line)), default=None)


def _predicted(answer: Answer, case: str) -> float | None:
    client = [word.replace("front-6f5d-xk2vp", "front") for word in client_words(answer)]
    text = run("routing", "predict", answer.service, *client, "--json", "--from", *files(case))[1]
    data = json.loads(text)
    share: dict[str, Any] = next(
        one["same_zone_share"] for one in data["predictions"] if one["mode"] == data["mode"]
    )
    return share["least"] * 100 if share else None


@HERE
@pytest.mark.parametrize("case", [case for case, answer in ANSWERS.items() if answer.fixed_by])
def test_fix(case: str) -> None:
    """The fix, typed in, takes the finding away and leaves no new problem."""
    answer = ANSWERS[case]
    scene = saved.read([Path(path) for path in files(case)])
    namespace, _, name = answer.service.partition("/")
    key = ServiceKey(namespace=namespace, name=name)
    client = ServiceKey(namespace="front", name="front") if answer.client else None
    finding = next(one for one in examine(scene, key, client) if one.code == answer.fixed_by)

    after = examine(applied(scene, finding.fix), key, client)

    problems = [one.code for one in after if one.severity is Severity.PROBLEM]
    # The unlabelled slice of one case is another matter: it has no hint, and nobody counts it.
    assert problems == (["D40"] if case.startswith("07") else [])


FORMS = FOLDER / "25-file-forms"
READ = (
    "concatenated.json",
    "events-k8s-io.json",
    "multi.yaml",
    "must-gather",
    "odd-but-valid.json",
    "powershell-utf16.json",
    "powershell-utf16.yaml",
    "saved",
    "saved.json.gz",
    "unquoted-times.yaml",
    "unquoted-times2.yaml",
    "utf8bom.json",
    "v1beta1.json",
    "watch.json",
    "yaml-in.txt",
)


@HERE
@pytest.mark.parametrize("name", READ)
def test_file_forms(name: str) -> None:
    """However it was saved, it is the same nine endpoints in three zones."""
    code, text = run("routing", "predict", SHOP, "--json", "--from", str(FORMS / name))

    assert code == 0, text
    assert json.loads(text)["endpoints"] == 9


@HERE
def test_cluster_info_dump() -> None:
    """An empty list that kubectl writes as null is an empty list."""
    dump = FOLDER / "39-cluster-info-dump"
    scene = saved.read([Path(files("43-zone-outage")[0]), dump / "daemonsets.json", dump / "events.json"])

    assert (scene.events, len(scene.snapshot.nodes)) == ((), 3)


@HERE
def test_cases_are_all_here() -> None:
    """Every case with an input has an answer here, but the one about a file's size."""
    with_input = {path.parent.name for path in FOLDER.glob("*/saved.json")}

    assert with_input == {*ANSWERS}


def table() -> Iterator[str]:
    """Case, exit code, answer."""
    for case, answer in ANSWERS.items():
        code, text = run("routing", "doctor", answer.service, *client_words(answer), "--from", *files(case))
        codes = [" ".join(line.split()[:2]) for line in text.splitlines() if line.startswith("D")]
        yield f"{case:34} {code}  {', '.join(codes)}"


if __name__ == "__main__":
    print("\n".join(table()))
