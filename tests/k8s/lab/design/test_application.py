"""An app of the lab: what it is asked, and which apps there cannot be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.design.application import App, AppCall, AppRoute, Workload, faults
from k8s.lab.design.store_app import CATALOG, STORE, UI
from k8s.topology import ServiceKey


def key(name: str) -> ServiceKey:
    return ServiceKey(namespace="shop", name=name)


def workload(name: str, *callees: str) -> Workload:
    return Workload(key=key(name), calls=tuple(AppCall(to=key(callee)) for callee in callees))


FRONT, ORDERS = workload("front", "orders"), workload("orders")
APP = App(entry=key("front"), workloads=(FRONT, ORDERS))


def said(app: App, zones: int = 3) -> list[str]:
    return [message for _, message in faults(app, zones)]


def test_an_app_knows_its_services_and_their_numbers() -> None:
    """In the order it lists them; a Service of another's has none."""
    assert APP.services == (key("front"), key("orders"))
    assert [APP.number(one) for one in APP.services] == [1, 2]
    assert APP.namespaces == ("shop",)
    assert APP.find(CATALOG) is None


def test_images_are_named_after_workloads() -> None:
    """Namespace and name, or the name alone where both are one."""
    assert list(APP.images) == ["samezone.dev/lab/shop/front", "samezone.dev/lab/shop/orders"]
    assert list(STORE.images) == ["samezone.dev/lab/catalog", "samezone.dev/lab/ui"]


def test_callees_are_those_of_all_paths() -> None:
    """Each once: what a pod needs to reach."""
    route = AppRoute(path="/x", calls=(AppCall(to=key("a")), AppCall(to=key("b"))))
    assert replace(workload("front", "a"), routes=(route,)).callees == (key("a"), key("b"))


def test_the_store_is_catalog_first() -> None:
    """The order decides names and addresses, which are those of earlier labs; ui calls catalog."""
    assert STORE.services == (CATALOG, UI)
    assert STORE.entry == UI
    assert [one.callees for one in STORE.workloads] == [(), (CATALOG,)]
    assert said(STORE) == []


@pytest.mark.parametrize(
    ("app", "complaint"),
    [
        (replace(APP, entry=key("home")), "no workload shop/home; the app has shop/front, shop/orders"),
        (replace(APP, workloads=(FRONT,)), "no workload shop/orders; the app has shop/front"),
        (replace(APP, workloads=(FRONT, ORDERS, ORDERS)), "shop/orders is there already"),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, replicas=0))),
            "shop/orders needs at least one pod",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, per_zone=(0, 0, 0)))),
            "shop/orders needs at least one pod",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, per_zone=(1, 1)))),
            "shop/orders: expected 3 numbers, one for each zone",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, rate_per_s=1.0))),
            "shop/orders has no default calls to make by itself; give calls",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, routes=(AppRoute(path="x"),)))),
            "a path starts with /, got x",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, routes=(AppRoute(path="/x"),) * 2))),
            "/x is there already",
        ),
        (
            replace(APP, workloads=(FRONT, replace(ORDERS, routes=(AppRoute(path="/healthz"),)))),
            "the lab's kubelets ask /healthz whether a pod is well; take another",
        ),
        (
            replace(APP, workloads=(FRONT, workload("orders", "front"))),
            "calls go in a circle: shop/front -> shop/orders -> shop/front",
        ),
        (
            replace(APP, workloads=(workload("front", "front"), ORDERS)),
            "calls go in a circle: shop/front -> shop/front",
        ),
    ],
)
def test_an_app_that_cannot_be_is_refused(app: App, complaint: str) -> None:
    """With the one thing that is wrong."""
    assert said(app) == [complaint]


@given(st.integers(2, 7), st.data())
def test_a_circle_is_found_where_there_is_one(count: int, data: st.DataObject) -> None:
    """Calls to later workloads alone make none; one call back from where a path leads makes one."""
    names = [f"w{index}" for index in range(count)]
    forward = [
        data.draw(st.sets(st.sampled_from(names[index + 1 :])), label=name) if index + 1 < count else set()
        for index, name in enumerate(names)
    ]
    app = App(
        entry=key("w0"),
        workloads=tuple(workload(name, *sorted(to)) for name, to in zip(names, forward, strict=True)),
    )
    assert said(app) == []
    first = data.draw(st.integers(0, count - 2))
    chain = [set(to) | {names[index + 1]} for index, to in enumerate(forward[:-1])] + [{names[first]}]
    back = replace(
        app, workloads=tuple(workload(name, *sorted(to)) for name, to in zip(names, chain, strict=True))
    )
    (complaint,) = said(back)
    steps = complaint.removeprefix("calls go in a circle: ").split(" -> ")
    assert steps[0] == steps[-1]
    assert all(key(steps[i + 1].partition("/")[2]) in callees(back, steps[i]) for i in range(len(steps) - 1))


def callees(app: App, name: str) -> tuple[ServiceKey, ...]:
    found = app.find(key(name.partition("/")[2]))
    assert found is not None
    return found.callees
