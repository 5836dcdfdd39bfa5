"""The demo store as an app of the lab: ``ui`` calls ``catalog`` (values)."""

from collections.abc import Sequence

from k8s.lab.design.application import App, AppCall, Program, Workload
from k8s.topology import ServiceKey

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")


def store(
    *,
    ui: int | Sequence[int] = 3,
    catalog: int | Sequence[int] = 6,
    keep_alive: bool = False,
    sql_spans: bool = True,
) -> App:
    """The store with so many pods, spread evenly, or with so many in each zone.

    *keep_alive*: ui keeps its connections to catalog. *sql_spans*: catalog makes a span of each query to its
    database, as the sample's does.
    """
    return App(
        entry=UI,
        workloads=(
            _workload(CATALOG, Program.CATALOG, catalog, database=sql_spans),
            _workload(UI, Program.UI, ui, keep_alive=keep_alive, calls=(AppCall(to=CATALOG),)),
        ),
    )


def _workload(
    key: ServiceKey,
    program: Program,
    pods: int | Sequence[int],
    *,
    calls: tuple[AppCall, ...] = (),
    keep_alive: bool = False,
    database: bool = False,
) -> Workload:
    per_zone = () if isinstance(pods, int) else tuple(pods)
    return Workload(
        key=key,
        replicas=pods if isinstance(pods, int) else sum(per_zone),
        per_zone=per_zone,
        program=program,
        calls=calls,
        keep_alive=keep_alive,
        database=database,
    )


STORE = store()
"""The store as it is if nothing is said."""
