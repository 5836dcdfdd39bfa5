"""The Zones tab of Locust's web UI, the page /zones, and the JSON that drives the swarm.

Locust's own page shows extra tabs as one table each. Ours needs more: so the tab is left without a table, and
``zones.js``, which the page loads beside Locust's own script, fills it. The page /zones shows the same alone,
before the first load as well. All text comes as JSON and is set as text, never as markup.
"""

import hmac
import inspect
import time
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

from flask import Flask, Response, jsonify, request

from k8s.errors import UsageError
from loadtest.worker import live_notices
from loadtest.worker.live_desk import LiveDesk
from loadtest.worker.live_view import LIVE_PATH, LiveView
from loadtest.worker.messages import OURS_HEADER, TALLIES_PATH, SwarmView
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.typed_json import decode, encode

PAGE_PATH: Final = "/zones"
SCRIPT_PATH: Final = "/samezone/zones.js"
STATE_PATH: Final = "/samezone/zones"
MODE_PATH: Final = "/samezone/mode"
_STATS_PATH = "/stats/requests"
_STOP = "locust.stop"
_DRIVING = ("locust.swarm", _STOP)
"""Locust's own that a program of ours asks for as well."""
_KEY = "zones"
_SCRIPT = Path(__file__).with_name("zones.js")
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Zones</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark }} body {{ font: 15px system-ui, sans-serif; margin: 1rem }}</style>
</head><body><main><h1>Zones</h1><samezone-zones></samezone-zones>
<noscript>This page needs JavaScript; {STATE_PATH} has the same as JSON.</noscript></main>
<script src="{SCRIPT_PATH}"></script></body></html>
"""


class Extensible(Protocol):
    """What is extended of Locust's ``WebUI``."""

    @property
    def app(self) -> Flask | None:
        """Its Flask app."""

    @property
    def template_args(self) -> dict[str, Any]:
        """What its page is told."""

    @property
    def auth_required_if_enabled(self) -> Any:
        """Decorates a view: with --web-login people have to log in."""


class Shown(Protocol):
    """What the tab needs of the master; ``Conductor`` has it."""

    def view(self) -> SwarmView:
        """The board now."""

    def names(self) -> dict[str, str]:
        """The pod of each of Locust's clients."""

    def note_stop(self) -> None:
        """Locust has taken a request to stop."""


def achieved_rate_per_s(tally: WorkerTally) -> float:
    """Requests a second between the first and the last start; 0 before the second request."""
    seconds = tally.last_s - tally.first_s
    return (tally.requests + tally.in_flight - 1) / seconds if seconds > 0 else 0.0


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def row(tally: WorkerTally, state: str) -> dict[str, str | int]:
    """How one worker fares, as a row of the second table."""
    return {
        "zone": tally.zone,
        "name": tally.worker,
        "state": state,
        "rate": f"{achieved_rate_per_s(tally):.1f}",
        "failures": tally.failures,
        "p99": _ms(tally.latency.quantile_ms(0.99)),
        "lag_p99": _ms(tally.lateness.quantile_ms(0.99)),
        "spans_dropped": tally.spans_dropped,
        "cpu": f"{tally.cpu_percent_max:.0f}",
    }


def rows(view: SwarmView) -> list[dict[str, str | int]]:
    """All workers, by zone."""
    after = {(loss.seat, loss.turn): loss for loss in view.losses if loss.replaced_by or not loss.back_s}
    return [row(tally, _state(after.get((tally.seat, tally.turn)))) for tally in view.tallies]


def _state(loss: WorkerLoss | None) -> str:
    if loss is None:
        return "connected"
    return "replaced" if loss.replaced_by else "lost"


def state_of(view: SwarmView, desk: LiveDesk, *, clock_s: float, now_s: float) -> dict[str, Any]:
    """Everything that the tab shows; *clock_s* is a monotonic time, *now_s* the wall clock's."""
    live, age_s, is_away = desk.view(), desk.age_s(clock_s), desk.is_away(clock_s)
    if live is not None:
        # By the sender's clock at its end, by ours since: two machines need not agree on the time.
        now_s = live.sent_s + age_s
    return {
        "load": {"state": view.state, "workers": view.workers},
        "generators": rows(view),
        "live": live,
        "now_s": now_s,
        "away": is_away,
        "stale_s": None if live is None else live_notices.stale_s(live, now_s=now_s),
        "notices": [
            *live_notices.of_load(view),
            *live_notices.of_live(live, is_away=is_away, age_s=age_s, now_s=now_s),
        ],
    }


def install(web_ui: Extensible, shown: Shown, *, token: str = "") -> None:
    """Add the tab, the page and the JSON to Locust's web app.

    With *token* programs that have it are let in without a login, to what is theirs; people log in by
    Locust's own rules.
    """
    app = web_ui.app
    if app is None:
        raise TypeError("Locust's web UI has no Flask app")
    routes = _Routes(web_ui, shown, token)
    web_ui.template_args["extended_tabs"] = [{"title": "Zones", "key": _KEY}]
    guarded = web_ui.auth_required_if_enabled
    app.add_url_rule(TALLIES_PATH, view_func=routes.for_programs(routes.tallies))
    app.add_url_rule(LIVE_PATH, view_func=routes.for_programs(routes.live), methods=["POST"])
    app.add_url_rule(PAGE_PATH, view_func=guarded(routes.page))
    app.add_url_rule(STATE_PATH, view_func=guarded(routes.state))
    app.add_url_rule(SCRIPT_PATH, view_func=guarded(routes.script))
    app.add_url_rule(MODE_PATH, view_func=guarded(routes.mode), methods=["POST"])
    for name in _DRIVING:
        if name in app.view_functions:
            app.view_functions[name] = routes.for_programs(inspect.unwrap(app.view_functions[name]))
    app.after_request(routes.afterwards)


class _Routes:
    """What is answered, and what is added to Locust's own answers."""

    def __init__(self, web_ui: Extensible, shown: Shown, token: str) -> None:
        self._shown = shown
        self._token = token
        self._desk = LiveDesk()
        self._guarded = web_ui.auth_required_if_enabled

    def for_programs(self, view: Callable[[], Any]) -> Callable[[], Any]:
        """The same for whoever has the token, or is logged in where that is asked for."""
        guarded: Callable[[], Any] = self._guarded(view)

        @wraps(view)
        def let_in() -> Any:
            given = request.headers.get(OURS_HEADER, "")
            is_ours = bool(self._token) and hmac.compare_digest(given.encode(), self._token.encode())
            return view() if is_ours else guarded()

        return let_in

    def tallies(self) -> Response:
        """The board."""
        return Response(encode(self._shown.view()), mimetype="application/json")

    def live(self) -> Response:
        """Take a view from whoever runs ``samezone web``; the wishes made since."""
        try:
            view = decode(request.form["view"], LiveView)
        except (KeyError, ValueError) as error:
            return Response(f"view: {error}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
        handover = self._desk.take(view, clock_s=time.monotonic())
        return Response(encode(handover), mimetype="application/json")

    def page(self) -> Response:
        """The tab alone."""
        return Response(_PAGE, mimetype="text/html")

    def script(self) -> Response:
        """What fills the tab."""
        return Response(_SCRIPT.read_bytes(), mimetype="text/javascript")

    def state(self) -> Response:
        """What the tab shows."""
        now = state_of(self._shown.view(), self._desk, clock_s=time.monotonic(), now_s=time.time())
        return Response(encode(now), mimetype="application/json", headers={"Cache-Control": "no-store"})

    def mode(self) -> Response:
        """Note what a person asks for. A form of another site could not send JSON, even past the door."""
        asked = request.get_json() if request.is_json else None
        mode = asked.get("mode") if isinstance(asked, dict) else None
        if not isinstance(mode, str):
            return Response('give JSON: {"mode": "tar"}\n', HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            self._desk.ask(mode, clock_s=time.monotonic())
        except UsageError as error:
            return Response(f"{error}\n", HTTPStatus.CONFLICT, mimetype="text/plain")
        return Response(status=HTTPStatus.ACCEPTED)

    def afterwards(self, response: Response) -> Response:
        """Our script in Locust's page, workers' names in its statistics, and a note of each stop."""
        # A login that is not set up is told with 200, and as text.
        if request.endpoint == _STOP and response.status_code == HTTPStatus.OK and response.is_json:
            self._shown.note_stop()
        if request.endpoint == "locust.index" and response.mimetype == "text/html":
            page = response.get_data(as_text=True)
            response.set_data(page.replace("</body>", f'<script src="{SCRIPT_PATH}"></script></body>', 1))
        if request.path.endswith(_STATS_PATH) and response.is_json and isinstance(response.json, dict):
            names = self._shown.names()
            workers = [
                one | {"id": names.get(one["id"], one["id"])} for one in response.json.get("workers", ())
            ]
            response.set_data(jsonify(response.json | {"workers": workers}).get_data())
        return response
