"""What Locust's web app answers for the Zones tab, on a Flask app without a Locust master."""

import json
from dataclasses import replace
from functools import wraps

import pytest
from flask import Flask, Response, jsonify

from loadtest.worker.live_view import LIVE_PATH, LiveView
from loadtest.worker.messages import OURS_HEADER, TALLIES_PATH, SwarmView
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.typed_json import encode
from loadtest.worker.zones_tab import MODE_PATH, PAGE_PATH, SCRIPT_PATH, STATE_PATH, install

KEY = "of-this-process"
BOARD = SwarmView(
    state="running",
    generation=1,
    workers=1,
    idle=0,
    lost=(),
    problem="",
    lead_s=0.0,
    tallies=(WorkerTally(worker="locust-worker-x", zone="a", node="node-a", seat=1),),
)
VIEW = LiveView(service="catalog/catalog", client="ui/ui", modes=("off", "tar"), may_change=True)


class Web:
    """As much of Locust's WebUI as is extended; with *login* nobody is logged in."""

    def __init__(self, *, login: bool = False) -> None:
        self.app = Flask("web")
        self.template_args: dict[str, object] = {}
        self.login = login

    def auth_required_if_enabled(self, view):
        @wraps(view)
        def guarded() -> Response:
            return Response("log in", 401) if self.login else view()

        return guarded


class Master:
    """Says what a conductor would."""

    def __init__(self, board: SwarmView = BOARD) -> None:
        self.board = board
        self.stops = 0

    def view(self) -> SwarmView:
        return self.board

    def names(self) -> dict[str, str]:
        return {"host_1": "locust-worker-x"}

    def note_stop(self) -> None:
        self.stops += 1


def driven(name: str):
    """Locust's own, which begins and ends a load."""

    def drive() -> Response:
        return jsonify({"success": True, "message": name})

    drive.__name__ = name
    return drive


def client(*, login: bool = False, board: SwarmView = BOARD):
    web = Web(login=login)
    web.app.add_url_rule("/", "locust.index", lambda: "<html><body><div></div></body></html>")
    web.app.add_url_rule(
        "/stats/requests",
        "stats",
        lambda: jsonify({"state": "x", "workers": [{"id": "host_1"}, {"id": "o"}]}),
    )
    for name in ("swarm", "stop"):
        view = web.auth_required_if_enabled(driven(name))
        web.app.add_url_rule(f"/{name}", f"locust.{name}", view, methods=["POST"])
    master = Master(board)
    install(web, master, token=KEY)
    web.app.extensions["master"] = master
    assert web.template_args["extended_tabs"] == [{"title": "Zones", "key": "zones"}]
    return web.app.test_client()


def hand_over(browser, view: LiveView = VIEW):
    return browser.post(LIVE_PATH, data={"view": encode(view).decode()}, headers={OURS_HEADER: KEY})


def test_a_press_reaches_whoever_runs_the_web_ui_once():
    """And what is shown is what was handed over."""
    browser = client()
    assert hand_over(browser).json == {"wishes": []}

    assert browser.post(MODE_PATH, json={"mode": "tar"}).status_code == 202
    assert hand_over(browser).json == {"wishes": [{"mode": "tar"}]}
    assert hand_over(browser).json == {"wishes": []}
    shown = browser.get(STATE_PATH).json
    assert (shown["live"]["service"], shown["away"]) == ("catalog/catalog", False)
    assert [one["name"] for one in shown["generators"]] == ["locust-worker-x"]


def test_without_anybody_who_grants_it_a_press_is_refused():
    """With a line for the person."""
    browser = client()

    answer = browser.post(MODE_PATH, json={"mode": "tar"})

    assert (answer.status_code, "samezone web is not running" in answer.text) == (409, True)
    assert browser.get(STATE_PATH).json["live"] is None


@pytest.mark.parametrize(
    "sent", [{"data": {"mode": "tar"}}, {"data": '{"mode": "tar"}'}, {"json": {}}, {"json": 7}]
)
def test_what_a_form_can_send_presses_nothing(sent: dict[str, object]):
    """A page of another site can send forms and plain text; nobody can send half a wish."""
    browser = client()
    hand_over(browser)

    assert browser.post(MODE_PATH, **sent).status_code == 415
    assert browser.get(MODE_PATH).status_code == 405
    assert hand_over(browser).json == {"wishes": []}


def test_locusts_login_holds_for_people_and_the_key_lets_programs_in():
    """Whoever is not logged in sees nothing and presses nothing; a wrong key is none."""
    browser = client(login=True)

    for path in (STATE_PATH, PAGE_PATH, SCRIPT_PATH, TALLIES_PATH):
        assert browser.get(path).status_code == 401
    assert browser.post(MODE_PATH, json={"mode": "tar"}, headers={OURS_HEADER: KEY}).status_code == 401
    assert browser.post(LIVE_PATH, data={"view": "{}"}, headers={OURS_HEADER: "guess"}).status_code == 401
    assert hand_over(browser).status_code == 200
    assert browser.get(TALLIES_PATH, headers={OURS_HEADER: KEY}).json["workers"] == 1


def test_a_command_drives_a_master_that_asks_people_to_log_in():
    """Begin and end a load, with the key; whoever has neither key nor login does neither, nor is it noted."""
    browser = client(login=True)
    master = browser.application.extensions["master"]

    for path in ("/swarm", "/stop"):
        assert browser.post(path).status_code == 401
        assert browser.post(path, headers={OURS_HEADER: "guess"}).status_code == 401
    assert master.stops == 0
    for path in ("/swarm", "/stop"):
        assert browser.post(path, headers={OURS_HEADER: KEY}).json["success"]
    assert master.stops == 1


def test_a_login_that_is_not_set_up_stops_nothing():
    """Locust says so with 200, as text: no stop is noted then."""
    browser = client()
    master = browser.application.extensions["master"]
    browser.application.view_functions["locust.stop"] = lambda: "Locust auth exception: no user_loader"

    assert browser.post("/stop").status_code == 200
    assert master.stops == 0


def test_a_view_that_is_none_is_named():
    """What is missing in it."""
    answer = client().post(LIVE_PATH, data={"view": json.dumps({"service": "a/b"})})

    assert (answer.status_code, "client is missing" in answer.text) == (400, True)


def test_locusts_page_loads_our_script_and_names_our_workers():
    """As the Zones tab does; a client that nobody knows keeps Locust's name."""
    browser = client()

    assert browser.get("/").text.count(f'<script src="{SCRIPT_PATH}">') == 1
    assert [one["id"] for one in browser.get("/stats/requests").json["workers"]] == ["locust-worker-x", "o"]
    assert b"samezone-zones" in browser.get(SCRIPT_PATH).data
    assert browser.get(SCRIPT_PATH).mimetype == "text/javascript"


def test_losses_and_refusals_are_sentences():
    """What is wrong with the load stands above its table."""
    loss = WorkerLoss(
        worker="w", zone="a", seat=1, turn=0, lost_s=1.0, back_s=3.5, missing=7, replaced_by="w"
    )
    browser = client(board=replace(BOARD, problem="start refused", lost=("w2",), losses=(loss,)))

    told = browser.get(STATE_PATH).json["notices"]

    assert told[0] == "start refused"
    assert "w2" in told[1]
    assert "2.5 s; 7 requests" in told[2]
