"""An app in a scenario file is an app of the lab."""

import pytest

from k8s.errors import UsageError
from k8s.lab import scenario_files, state
from k8s.lab.design.application import App, AppCall, AppRoute, Workload
from k8s.lab.design.scenario import apply
from k8s.lab.design.scenario_text import parse
from k8s.lab.design.settings import LabSettings, Rollout
from k8s.topology import ServiceKey

FRONTEND = ServiceKey(namespace="shop", name="frontend")
ORDERS = ServiceKey(namespace="shop", name="orders")
REPORTS = ServiceKey(namespace="shop", name="reports")
TEXT = """
description: mine
zones: [eu-west-1a, eu-west-1b]
app:
  entry: shop/frontend
  workloads:
  - namespace: shop
    name: frontend
    calls: [{to: shop/orders, times: 1.5}]
    routes:
    - {path: "/item/{id}", calls: [{to: shop/orders, path: /one}], response_bytes: 7, think_ms: 20}
    keep_alive: true
  - {namespace: shop, name: orders, pods: {eu-west-1b: 2}, database: true, think_ms: 3, response_bytes: 9}
  - {namespace: shop, name: reports, pods: [1, 2], calls: [{to: shop/orders}], rate_per_s: 4}
"""


def settings_of(text: str) -> LabSettings:
    return apply(parse(text, "mine.yaml"), LabSettings(state_dir="unused", api_port=0, xray_port=0))


def test_everything_of_a_workload_can_be_said() -> None:
    """And what is not said has a default."""
    assert settings_of(TEXT).app == App(
        entry=FRONTEND,
        workloads=(
            Workload(
                key=FRONTEND,
                calls=(AppCall(to=ORDERS, times=1.5),),
                routes=(
                    AppRoute(
                        path="/item/{id}",
                        calls=(AppCall(to=ORDERS, path="/one"),),
                        response_bytes=7,
                        think_s=0.02,
                    ),
                ),
                keep_alive=True,
            ),
            Workload(key=ORDERS, replicas=2, per_zone=(0, 2), response_bytes=9, think_s=0.003, database=True),
            Workload(key=REPORTS, replicas=3, per_zone=(1, 2), calls=(AppCall(to=ORDERS),), rate_per_s=4.0),
        ),
    )


def test_a_rollout_names_its_workload() -> None:
    """It is the store's catalog if nothing is said, which another app need not have."""
    found = settings_of(f"{TEXT}rollout: {{start: 1, workload: shop/orders}}\n").rollout
    assert found == Rollout(start=1, every_s=1.0, workload=ORDERS)
    with pytest.raises(UsageError, match=r"rollout\.workload: no workload catalog/catalog; the app has"):
        settings_of(f"{TEXT}rollout: {{start: 1}}\n")


def test_an_app_comes_back_from_the_state_file() -> None:
    """Whatever app: what is read is what was written."""
    settings = settings_of(TEXT)
    assert state.decode_settings(state.encode_settings(settings)) == settings


def test_the_chain_is_three_services_and_a_job() -> None:
    """Each behind the one before it, and the job calls the second by itself."""
    app = apply(scenario_files.read("chain"), LabSettings(state_dir="unused")).app
    found = [(str(one.key), one.pods, [str(key) for key in one.callees]) for one in app.workloads]
    assert found == [
        ("shop/frontend", 3, ["shop/orders"]),
        ("shop/orders", 6, ["shop/payments"]),
        ("shop/payments", 3, []),
        ("shop/reports", 3, ["shop/orders"]),
    ]
    assert app.entry == FRONTEND
    assert [one.rate_per_s for one in app.workloads] == [0, 0, 0, 4]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("entry: shop/frontend", "entry: shop/home", "5: app.entry: no workload shop/home; the app has"),
        ("entry: shop/frontend", "entry: frontend", "5: app.entry: expected text like"),
        (
            "{to: shop/orders, times: 1.5}",
            "{to: shop/order}",
            "9: app.workloads[0].calls[0].to: no workload shop/order; the app has shop/frontend, shop/or",
        ),
        (
            "{to: shop/orders, path: /one}",
            "{too: shop/orders}",
            "11: app.workloads[0].routes[0].calls[0].too: unknown key; known are to, path, times",
        ),
        (
            "{eu-west-1b: 2}",
            "{eu-west-1a: 1, eu-west-1b: many}",
            "13: app.workloads[1].pods.eu-west-1b: expected an integer, got",
        ),
        ("{eu-west-1b: 2}", "{eu-west-1c: 2}", "13: app.workloads[1].pods.eu-west-1c: no such zone; the sc"),
        ("{eu-west-1b: 2}", "{}", "13: app.workloads[1].pods: shop/orders needs at least one pod"),
        ("{eu-west-1b: 2}", "0", "13: app.workloads[1].pods: expected an integer >= 1, got 0"),
        ("[1, 2]", "[1]", "14: app.workloads[2].pods: shop/reports: expected 2 numbers, one for each zone"),
        ("rate_per_s: 4", "rate: 4", "14: app.workloads[2].rate: unknown key; known are namespace, name,"),
        (
            "database: true",
            "calls: [{to: shop/frontend}]",
            "7: app.workloads[0]: calls go in a circle: shop/frontend -> shop/orders -> shop/frontend",
        ),
        ("zones:", "ui: [1, 1]\nzones:", "3: ui: is of the app store; say it at the workloads of app"),
        ("zones:", "keep_alive: no\nzones:", "3: keep_alive: is of the app store; say it at the workloads"),
        ("app:\n", "app: stores\nmore:\n", "4: app: "),
    ],
)
def test_a_broken_app_is_one_line(old: str, new: str, complaint: str) -> None:
    """The file, the line, the key, and what was expected there."""
    assert TEXT.count(old) == 1
    with pytest.raises(UsageError) as caught:
        parse(TEXT.replace(old, new), "mine.yaml")
    assert str(caught.value).startswith(f"mine.yaml:{complaint}")
    assert "\n" not in str(caught.value)
