"""The door of Locust's web UI: pages of other sites start, stop and reset nothing, and read nothing.

Over a port-forward it is asked for as localhost, by a kubelet by the pod's address, in a cluster by the
Service's name. A name of the world's, say an ingress's, has to be in SAMEZONE_WEB_HOSTS, with commas between
several.
"""

from collections.abc import Mapping

from flask import Response, request
from locust.web import WebUI

from k8s import doors

_HOSTS = "SAMEZONE_WEB_HOSTS"
_READS = frozenset({"GET", "HEAD"})


def close_to_strangers(web_ui: WebUI, env: Mapping[str, str], *, is_local: bool) -> None:
    """Refuse what pages of others ask for; *is_local*: only this machine's own names are ours."""
    app = web_ui.app
    if app is None:
        raise TypeError("Locust's web UI has no Flask app")
    named = {name.strip().lower() for name in env.get(_HOSTS, "").split(",") if name.strip()}

    def is_own(name: str) -> bool:
        return doors.is_loopback(name) or (not is_local and (doors.is_within(name) or name in named))

    def at_the_door() -> Response | None:
        outside = doors.refusal(dict(request.headers), is_own, visit=request.method in _READS)
        if outside is None:
            return None
        return Response(f"{outside.why}\n", status=outside.status, mimetype="text/plain")

    app.before_request(at_the_door)
