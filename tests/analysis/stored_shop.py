"""Three whole run folders, as a run and collecting leave them: two baselines, and one that routes by zone.

Every figure agrees with every other: services have their own counts beside their callers', the load's parts
add up, traces carry the run's mark and their pods' zones.
"""

import copy
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from analysis import artifacts
from analysis.source.collect import Collected, GraphFile, Poll, query_window
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.record import LoadSeen, Place, RunRecord, Window
from loadtest.worker.latency import histogram
from loadtest.worker.tally import PageTally
from tests.analysis.graphs import CLIENT, Graph, trace
from tests.analysis.traced_shop import CATALOG_PODS, LENGTH_S, PLACE, RUN_ID, START_S, UI_PODS, Shop
from tests.analysis.verdict.test_compare import arm

NULL, BASELINE, CANDIDATE = "1-off", "2-off", "3-tar"
ROLES: Final = (NULL, BASELINE, CANDIDATE)
REQUESTS = 1000
TRACES = 12
QUIET_S = 1.5
PAGE = 5
"""Services on a page."""


def store(root: Path, *, traces: int = TRACES, with_truth: bool = True) -> None:
    """Write the three folders; *with_truth*: as the lab does, where relays count too."""
    for number, role in enumerate(ROLES):
        _store(root / role, number, traces=traces, with_truth=with_truth)


def _store(folder: Path, number: int, *, traces: int, with_truth: bool) -> None:
    shop = Shop(seed=number + 1, requests=REQUESTS, by_pod=True)
    mode, run_id = folder.name.partition("-")[2], f"r-{folder.name}"
    rng = np.random.default_rng(number)
    for one in shop.made:
        one.at_s += 1000.0 * number
        if mode == "tar":
            near = [pod for pod, zone in CATALOG_PODS.items() if zone == UI_PODS[one.ui]]
            one.calls = [(near[rng.integers(len(near))], port) for _, port in one.calls]
    folder.mkdir(parents=True)
    record = _record(shop, mode, run_id, START_S + 1000.0 * number)
    measured = record.measured
    assert measured is not None
    rundir.write_json(folder / rundir.RECORD, record)
    rundir.write_lines(folder / rundir.TOPOLOGY, topology(measured))
    window = query_window(measured, quiet_s=QUIET_S)
    kept = [shop.own[at] for at in sorted(rng.permutation(REQUESTS)[:traces])]
    rows = tuple(_marked(trace(*shop.documents(one)), run_id, one.number) for one in kept)
    calls = sum(len(one.calls) for one in shop.own) + REQUESTS
    collected = Collected(
        graph=GraphFile(
            window=window,
            queries=(tuple(pages(shop.graph(shop.made), window)),),
            polls=tuple(Poll(at_s=window.end_s + at, calls=calls, requests=REQUESTS) for at in (1, 2)),
            stable=True,
            reconciled=True,
            sampled=len(rows),
        ),
        traces=rows,
    )
    artifacts.save_collected(folder, collected)
    if with_truth:
        rundir.write_json(folder / rundir.TRUTH, shop.truth())


def _record(shop: Shop, mode: str, run_id: str, began_s: float) -> RunRecord:
    load = shop.load()
    workers = tuple(
        replace(
            one,
            pages=(
                PageTally(page="catalog", requests=one.requests // 3, failures=0),
                PageTally(page="home", requests=one.requests - one.requests // 3, failures=0),
            ),
            spans_delivered=one.spans_made,
            latency_intended=histogram([(701, one.requests)]),
            lateness=histogram([(300, one.requests)]),
        )
        for one in load.workers
    )
    made = arm(Graph(), mode=mode, seen=LoadSeen(seconds=LENGTH_S, workers=workers)).record
    place = Place(platform="lab", context="c", server="s", version="v", region="r", zones=("a", "b", "c"))
    return replace(
        made,
        run_id=run_id,
        created_s=began_s - 10.0,
        place=place,
        measured=Window(start_s=began_s - QUIET_S, end_s=began_s + LENGTH_S + QUIET_S),
        asked=replace(made.asked, plan=replace(made.asked.plan, quiet_s=QUIET_S)),
    )


def topology(window: Window) -> Iterable[Snapshot]:
    """Seen before the window and after it; every pod in the namespace of its Service."""
    pods = tuple(replace(pod, namespace=pod.name.partition("-")[0]) for pod in PLACE.pods)
    return (replace(PLACE, pods=pods, taken_at_s=at_s) for at_s in (window.start_s - 1.0, window.end_s + 0.1))


def _marked(row: dict[str, Any], run_id: str, number: int) -> dict[str, Any]:
    segments = [
        {"Id": one["Id"], "Document": one["Document"].replace(f'"{RUN_ID}"', f'"{run_id}"')}
        for one in row["Segments"]
    ]
    return {"Id": f"1-{number:08x}-0", "Segments": segments}


def pages(graph: Graph, window: Window) -> Iterable[dict[str, Any]]:
    """Its pages as X-Ray answers them: every service but a client's has its own figures, too."""
    services = copy.deepcopy([one for page in graph.pages() for one in page["Services"]])
    into: dict[int, list[dict[str, Any]]] = {}
    for service in services:
        for edge in service["Edges"]:
            into.setdefault(edge["ReferenceId"], []).append(edge)
    for service in services:
        if service.get("Type") != CLIENT:
            service.update(_figures(into.get(service["ReferenceId"], [])))
    for at in range(0, len(services), PAGE):
        more = {"NextToken": f"t{at}"} if at + PAGE < len(services) else {}
        echo = {"StartTime": window.start_s, "EndTime": window.end_s}
        yield echo | {"Services": services[at : at + PAGE]} | more


def _figures(edges: list[dict[str, Any]]) -> dict[str, Any]:
    seen = [one["SummaryStatistics"] for one in edges]
    return {
        "SummaryStatistics": {
            "OkCount": sum(one["OkCount"] for one in seen),
            "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
            "FaultStatistics": {"OtherCount": 0, "TotalCount": 0},
            "TotalCount": sum(one["TotalCount"] for one in seen),
            "TotalResponseTime": sum(one["TotalResponseTime"] for one in seen),
        },
        "ResponseTimeHistogram": [bucket for one in edges for bucket in one["ResponseTimeHistogram"]],
    }
