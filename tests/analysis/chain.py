"""A chain of which every call is known: frontend -> orders -> payments, in three zones.

``Chain`` makes one run's inputs: how many of each hop's calls stay in their zone is given for each hop.
"""

from dataclasses import dataclass, replace
from typing import Any

from analysis.arm.inputs import ArmInputs, arm_inputs
from analysis.source.interface import Received
from analysis.source.xray.reader import XRayReader
from k8s.lab.truth import TruthRow
from k8s.topology import HintsSeen, Service, ServiceKey
from loadtest.record import Asked, LoadSeen, ServiceSeen, Window
from loadtest.truthfile import TruthFile
from loadtest.worker.latency import histogram
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import CLIENT, Graph, call, port, snapshot, trace
from tests.loadtest.test_rundir import record

ZONES = "abc"
APPS = ("frontend", "orders", "payments")
ORDERS = ServiceKey(namespace="orders", name="orders")
PAYMENTS = ServiceKey(namespace="payments", name="payments")
FRONTEND = ServiceKey(namespace="frontend", name="frontend")
PODS = {f"{app}-{zone}": f"node-{zone}" for app in ("locust", *APPS) for zone in ZONES}
PLACE = snapshot(PODS, apps=APPS)
ADDRESS = {str(pod.name): str(pod.ip) for pod in PLACE.pods}
REQUESTS = 3000


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One window; each request makes one call a hop."""

    mode: str = "off"
    orders: float = 1 / 3
    """Of the calls from frontend to orders, the share that stays."""
    payments: float = 1 / 3
    """Of those from orders to payments."""
    hot: float = 0.0
    """Of the calls to payments that leave their zone, the share that goes to zone a, and not on in turn."""
    run: int = 1
    callers: tuple[ServiceKey, ...] = ()

    def inputs(self) -> ArmInputs:
        made = record(arm=self.mode, run_id=f"r-{self.run}", caveats=())
        plan = replace(made.asked.plan, rate_per_s=30.0, duration_s=100.0)
        window = Window(start_s=100.0, end_s=203.0)
        hints = HintsSeen(at_s=1.0, endpoints=3, hinted=0 if self.mode == "off" else 3, own_zone=0)
        services = [Service(namespace=key.namespace, name=key.name) for key in (ORDERS, PAYMENTS)]
        seen = replace(
            made.seen,
            service_before=services[0],
            service_during=services[0],
            hints_start=hints,
            hints_end=hints,
            measured=LoadSeen(seconds=100.0, workers=tuple(map(_worker, ZONES))),
            others=(
                ServiceSeen(
                    service_before=services[1],
                    service_during=services[1],
                    hints_start=hints,
                    hints_end=replace(hints, at_s=2.0),
                ),
            ),
        )
        asked = Asked(
            mode=self.mode,
            service=ORDERS,
            client=FRONTEND,
            plan=plan,
            also=(PAYMENTS,),
            callers=self.callers,
        )
        place = replace(made.place, zones=tuple(ZONES))
        return arm_inputs(
            folder=f"{self.run}-{self.mode}",
            record=replace(made, asked=asked, seen=seen, measured=window, place=place),
            topology=(PLACE, replace(PLACE, taken_at_s=window.end_s)),
            reader=XRayReader(),
            received=Received(answers=(self._graph().pages(),), rows=tuple(self._traces())),
            stable=True,
            truth=TruthFile(rows=tuple(self._rows()), connection_per_call=True),
        )

    def _graph(self) -> Graph:
        graph = Graph()
        for zone in ZONES:
            graph.edge((f"locust-{zone}", CLIENT), f"locust-{zone}", REQUESTS // 3)
            graph.edge(f"locust-{zone}", f"frontend-{zone}", REQUESTS // 3)
        for client, server, count in self.calls():
            graph.edge(client, server, count, each_s=0.001 if client[-1] == server[-1] else 0.003)
        return graph

    def calls(self) -> list[tuple[str, str, int]]:
        """(client pod, server pod, calls) of both hops."""
        found = []
        for client, server, share, hot in (
            ("frontend", "orders", self.orders, 0.0),
            ("orders", "payments", self.payments, self.hot),
        ):
            for zone in ZONES:
                stay = round(REQUESTS / 3 * share)
                left, right = [one for one in ZONES if one != zone]
                leave = REQUESTS // 3 - stay
                first = leave // 2 + round(leave / 2 * hot) if zone != "a" else leave // 2
                for other, count in ((zone, stay), (left, first), (right, leave - first)):
                    if count:
                        found.append((f"{client}-{zone}", f"{server}-{other}", count))
        return found

    def _traces(self) -> list[dict[str, Any]]:
        """One call in two, each in a trace and on a connection of its own."""
        found = []
        for client, server, count in self.calls():
            for _ in range(count // 2):
                number = len(found) + 1
                documents = call(client, server, port(4000 + number), number)
                took_s = (0.001 if client[-1] == server[-1] else 0.003) * (1 + number % 17 / 10)
                documents[0]["subsegments"][0]["end_time"] = 100.0 + took_s
                found.append({**trace(*documents), "Id": f"1-{number:08x}-0"})
        return found

    def _rows(self) -> list[TruthRow]:
        keys = {"orders": ORDERS, "payments": PAYMENTS}
        return [
            TruthRow(
                service=keys[server.partition("-")[0]],
                client_ip=ADDRESS[client],
                server_ip=ADDRESS[server],
                connections=count,
                failed=0,
                request_bytes=count * 100,
                response_bytes=count * (900 if server.startswith("orders") else 9900),
            )
            for client, server, count in self.calls()
        ]


def _worker(zone: str) -> WorkerTally:
    requests = REQUESTS // 3
    return WorkerTally(
        worker=f"locust-{zone}",
        zone=zone,
        node=f"node-{zone}",
        requests=requests,
        connections=requests,
        first_s=101.5,
        last_s=201.4,
        latency=histogram([(700, requests)]),
    )
