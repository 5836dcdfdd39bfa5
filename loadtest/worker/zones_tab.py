"""The Zones tab of Locust's web UI, the page /zones, and the JSON that drives the swarm.

The tab is Locust's own table, whose cells React escapes; the page is a Jinja template, autoescaped.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, render_template_string, request
from locust.web import WebUI

from loadtest.worker.messages import TALLIES_PATH, SwarmView
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.typed_json import encode

PAGE_PATH = "/zones"
_STATS_PATH = "/stats/requests"
_STOP_PATH = "/stop"
_KEY = "zones"

COLUMNS = (
    ("zone", "Zone"),
    ("name", "Worker"),
    ("requests", "Requests"),
    ("rate", "Requests/s"),
    ("failures", "Failures"),
    ("connections", "Connections"),
    ("p50", "p50 ms"),
    ("p99", "p99 ms"),
    ("p50_intended", "p50 ms from intended start"),
    ("p99_intended", "p99 ms from intended start"),
    ("lag_p99", "Lag p99 ms"),
    ("spans_made", "Spans made"),
    ("spans_delivered", "Delivered"),
    ("spans_dropped", "Dropped"),
    ("cpu", "CPU % max"),
    ("state", "State"),
)

_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Zones</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
table { border-collapse: collapse } th, td { padding: .3rem .7rem; text-align: right }
th { border-bottom: 1px solid } td:first-child, td:nth-child(2) { text-align: left }
.problem { color: #c00 }
</style></head><body>
<h1>Zones</h1>
<p>{{ view.state }}, {{ view.workers }} workers</p>
{% if view.problem %}<p class="problem">{{ view.problem }}</p>{% endif %}
{% if view.lost %}<p class="problem">lost: {{ view.lost | join(", ") }}</p>{% endif %}
{% for loss in view.losses if loss.back_s %}
<p>{{ loss.worker }} was lost for {{ "%.1f" | format(loss.back_s - loss.lost_s) }} s;
{{ loss.missing }} requests are missing in {{ loss.zone }}</p>
{% endfor %}
<table><thead><tr>{% for _, title in columns %}<th>{{ title }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for key, _ in columns %}<td>{{ row[key] }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
</body></html>
"""


def achieved_rate_per_s(tally: WorkerTally) -> float:
    """Requests a second between the first and the last start; 0 before the second request."""
    seconds = tally.last_s - tally.first_s
    return (tally.requests + tally.in_flight - 1) / seconds if seconds > 0 else 0.0


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def row(tally: WorkerTally, state: str) -> dict[str, str | int]:
    """One worker as a row of the table, keyed as COLUMNS."""
    return {
        "zone": tally.zone,
        "name": tally.worker,
        "requests": tally.requests,
        "rate": f"{achieved_rate_per_s(tally):.1f}",
        "failures": tally.failures,
        "connections": tally.connections,
        "p50": _ms(tally.latency.quantile_ms(0.5)),
        "p99": _ms(tally.latency.quantile_ms(0.99)),
        "p50_intended": _ms(tally.latency_intended.quantile_ms(0.5)),
        "p99_intended": _ms(tally.latency_intended.quantile_ms(0.99)),
        "lag_p99": _ms(tally.lateness.quantile_ms(0.99)),
        "spans_made": tally.spans_made,
        "spans_delivered": tally.spans_delivered,
        "spans_dropped": tally.spans_dropped,
        "cpu": f"{tally.cpu_percent_max:.0f}",
        "state": state,
    }


def rows(view: SwarmView) -> list[dict[str, str | int]]:
    """All workers, by zone."""
    after = {(loss.seat, loss.turn): loss for loss in view.losses if loss.replaced_by or not loss.back_s}
    return [row(tally, _state(after.get((tally.seat, tally.turn)))) for tally in view.tallies]


def _state(loss: WorkerLoss | None) -> str:
    if loss is None:
        return "connected"
    return "replaced" if loss.replaced_by else "lost"


def install(web_ui: WebUI, view: Callable[[], SwarmView], *, on_stopped: Callable[[], None]) -> None:
    """Add the tab, the page and the JSON to Locust's web app; *view* reads the board.

    *on_stopped* is called once Locust has taken a request to stop.
    """
    app = web_ui.app
    if app is None:
        raise TypeError("Locust's web UI has no Flask app")
    guarded: Any = web_ui.auth_required_if_enabled  # not annotated
    web_ui.template_args["extended_tabs"] = [{"title": "Zones", "key": _KEY}]
    web_ui.template_args["extended_tables"] = [
        {"key": _KEY, "structure": [{"key": key, "title": title} for key, title in COLUMNS]}
    ]

    def tallies() -> Response:
        return Response(encode(view()), mimetype="application/json")

    def page() -> str:
        current = view()
        return render_template_string(_TEMPLATE, view=current, columns=COLUMNS, rows=rows(current))

    def add_rows(response: Response) -> Response:
        """Locust's page polls its statistics; the rows of extra tables travel with them."""
        if request.path == _STATS_PATH and response.is_json and isinstance(response.json, dict):
            answer = response.json | {"extended_stats": [{"key": _KEY, "data": rows(view())}]}
            response.set_data(app.json.dumps(answer))
        return response

    def note_stop(response: Response) -> Response:
        if request.path.endswith(_STOP_PATH) and response.status_code == HTTPStatus.OK:
            on_stopped()
        return response

    app.add_url_rule(TALLIES_PATH, view_func=guarded(tallies))
    app.add_url_rule(PAGE_PATH, view_func=guarded(page))
    app.after_request(add_rows)
    app.after_request(note_stop)
