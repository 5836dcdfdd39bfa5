"""The Prometheus HTTP API, which Mimir, Thanos, VictoriaMetrics and Amazon's answer, too: asked here alone.

``/api/v1/query`` by POST, as long queries need, or by GET where only that is allowed. Signatures for Amazon
Managed Service for Prometheus (SigV4, service ``aps``) are botocore's.
"""

import base64
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from analysis.source.interface import IncompleteError, Raw, RefusedError, ThrottledError
from k8s.errors import InvalidRunError, UnreachableError, UsageError

SIGNED_AS: Final = "aps"
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one answer; a row of a table of pairs takes some 400 bytes, so this is about 600,000 of them."""
CHUNK: Final = 1 << 20
CONNECT_S: Final = 5.0
TIMEOUT_S: Final = 120.0
"""For one answer, from the first word to the last byte; Prometheus' own limit is two minutes, too."""
_SHOWN: Final = 300
_REFUSED: Final = frozenset({401, 403})
_BUSY: Final = frozenset({429, 503})
_BAD_QUERY: Final = frozenset({400, 422})
_NOT_ALLOWED: Final = 405
_NOT_FOUND: Final = 404
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_SERVER_ERRORS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusAccess:
    """Where a store is, and as whom to ask it: nobody, by name and password, by a token, or signed for
    AWS.
    """

    url: str = field(repr=False)
    """Up to what comes before ``/api/v1``: of Mimir usually with ``/prometheus``."""
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """A bearer token."""
    sigv4_region: str = ""
    """Sign for this AWS region, with the credentials that boto3 would use."""
    org: str = ""
    """Whose metrics, where several tenants share a store: the header ``X-Scope-OrgID``."""
    ca_file: str = ""
    """Whom to trust besides nobody; empty: the system's certificates."""
    timeout_s: float = TIMEOUT_S


class Prometheus:
    """Asks a store; every method raises UnreachableError, or a kind of it, where it refuses or is away."""

    def __init__(self, access: PrometheusAccess) -> None:
        """Opens nothing yet; UsageError for an access that contradicts itself."""
        self._access, self._base = _checked(access)
        self.where = urlunsplit(self._base)
        """The address without a password."""
        self._headers = _headers(self._access)
        self._credentials = _credentials(self._access)
        try:
            context = ssl.create_default_context(cafile=access.ca_file or None)
        except OSError as error:
            raise UsageError(f"reading the certificates in {access.ca_file}: {_short(error)}") from None
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False)
        self._method = "POST"

    def query(self, text: str, *, at_s: float | None = None) -> Raw:
        """The answer to an instant query as it came; without *at_s* it is of the engine's own now."""
        asked = {"query": text} | ({} if at_s is None else {"time": f"{at_s:.3f}"})
        answer = self._answer("query", asked)
        data = answer.get("data")
        if not isinstance(data, dict) or "resultType" not in data or "result" not in data:
            self._refuse_stranger("the answer holds no result")
        return answer

    def version(self) -> str:
        """The engine's own version; empty where it does not tell, as some hosted ones do not."""
        try:
            data = self._answer("status/buildinfo", {}, method="GET").get("data")
        except RefusedError:
            return ""
        return str(data.get("version", "")) if isinstance(data, dict) else ""

    def _answer(self, path: str, asked: dict[str, str], *, method: str | None = None) -> dict[str, Any]:
        """What stands in the answer's JSON; the first refusal of POST turns to GET for good."""
        status, kind, body = self._exchange(method or self._method, path, asked)
        if status == _NOT_ALLOWED and method is None and self._method == "POST":
            self._method = "GET"
            status, kind, body = self._exchange("GET", path, asked)
        if status != _OK:
            self._refuse(status, body)
        if "html" in kind or body.lstrip()[:1] == b"<":
            self._refuse_stranger("it answers with a web page")
        try:
            found = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise IncompleteError(
                f"asking {self.where}: the answer cannot be read after {len(body)} bytes ({_short(error)}); "
                "it was cut on its way, or a proxy answers; ask again"
            ) from None
        if not isinstance(found, dict):
            self._refuse_stranger("the answer is no object")
        if found.get("status") != "success":
            raise RefusedError(f"asking {self.where}: {_said(body)}")
        return found

    def _exchange(self, method: str, path: str, asked: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, content type and body, all within the access's time."""
        until_s = time.monotonic() + self._access.timeout_s
        url = urlunsplit(self._base._replace(path=f"{self._base.path}/api/v1/{path}"))
        form = urlencode(asked, quote_via=quote)
        headers = dict(self._headers)
        body = form if method == "POST" else None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif form:
            url = f"{url}?{form}"
        headers = self._signed(method, url, headers, body)
        limit = urllib3.Timeout(connect=min(CONNECT_S, self._access.timeout_s), read=self._access.timeout_s)
        try:
            with self._pool.request(
                method, url, body=body, headers=headers, timeout=limit, preload_content=False, redirect=False
            ) as response:
                data = self._read(response, until_s)
                return response.status, response.headers.get("Content-Type", "").lower(), data
        except urllib3.exceptions.NewConnectionError as error:
            self._fail_to_reach(error)
        except urllib3.exceptions.TimeoutError:
            self._give_up()
        except urllib3.exceptions.SSLError as error:
            raise UnreachableError(
                f"asking {self.where}: its certificate is not trusted ({_short(error)}); name the file of "
                "the authority that signed it"
            ) from None
        except urllib3.exceptions.ProtocolError as error:
            raise IncompleteError(
                f"asking {self.where}: the connection broke in the midst of the answer ({_short(error)}); "
                "ask again"
            ) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._fail_to_reach(error)

    def _read(self, response: urllib3.BaseHTTPResponse, until_s: float) -> bytes:
        """The whole body, unless it takes too long or is too large."""
        parts: list[bytes] = []
        size = 0
        for part in response.stream(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise InvalidRunError(
                    f"asking {self.where}: the answer is larger than {MOST_BYTES >> 20} MiB; there are too "
                    "many pairs for one table: narrow the profile's filters to the namespaces under study"
                )
            if time.monotonic() > until_s:
                self._give_up()
        return b"".join(parts)

    def _fail_to_reach(self, error: Exception) -> NoReturn:
        raise UnreachableError(
            f"asking {self.where}: {_short(error)}; is it up, is the address right, is it reachable from "
            "here (kubectl port-forward)?"
        ) from None

    def _give_up(self) -> NoReturn:
        raise UnreachableError(
            f"asking {self.where}: no whole answer within {self._access.timeout_s:g} s; is it overloaded? "
            "Give it more time (--prometheus-timeout-s), a shorter window, or narrow the profile's filters"
        ) from None

    def _refuse(self, status: int, body: bytes) -> NoReturn:
        """One line for a status that is no success."""
        told = f"asking {self.where}: {status}: {_said(body)}"
        if status in _REFUSED:
            raise RefusedError(f"{told}; check user, password, token, organisation, or the AWS credentials")
        if status in _BUSY:
            raise ThrottledError(f"{told}; it is busy, try again in a minute")
        if status in _BAD_QUERY:
            raise RefusedError(f"{told}; check the profile's metric, labels and filters")
        if status == _NOT_FOUND:
            raise RefusedError(
                f"{told}; there is no Prometheus API below this address (Mimir's is below /prometheus, "
                "Thanos' at its query component)"
            )
        if status in _REDIRECTS:
            raise RefusedError(f"{told}; it sends elsewhere, to a login page? Give the address behind it")
        if status >= _SERVER_ERRORS:
            raise IncompleteError(f"{told}; it has trouble of its own, try again in a few minutes")
        raise RefusedError(f"{told}; see the message")

    def _refuse_stranger(self, what: str) -> NoReturn:
        raise RefusedError(
            f"asking {self.where}: {what} instead of Prometheus' JSON; does something else answer there, a "
            "proxy or a login page?"
        )

    def _signed(self, method: str, url: str, headers: dict[str, str], body: str | None) -> dict[str, str]:
        """The headers, with a signature where AWS wants one."""
        if self._credentials is None:
            return headers
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        try:
            SigV4Auth(self._credentials, SIGNED_AS, self._access.sigv4_region).add_auth(request)
        except BotoCoreError as error:
            raise RefusedError(
                f"signing for {self.where}: {_short(error)}; renew the AWS credentials and try again"
            ) from None
        return dict(request.headers.items())


def open_prometheus(access: PrometheusAccess) -> Prometheus:
    """A client of the store; nothing is asked yet."""
    return Prometheus(access)


def _checked(access: PrometheusAccess) -> tuple[PrometheusAccess, Any]:
    """The access with a user and password out of its address, and the address without them."""
    parts = urlsplit(access.url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"the address of Prometheus: {_short(error)}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(
            f"the address of Prometheus: {access.url.rpartition('@')[2]!r} is none; expected "
            "http://HOST:PORT or https://HOST/PATH"
        )
    named = f"[{host}]" if ":" in host else host
    base = parts._replace(
        netloc=named if port is None else f"{named}:{port}",
        path=parts.path.rstrip("/").removesuffix("/api/v1"),
        query="",
        fragment="",
    )
    user = access.user or unquote(parts.username or "")
    password = access.password or unquote(parts.password or "")
    ways = [name for name, given in (("a user", user), ("a token", access.token),
                                     ("SigV4", access.sigv4_region)) if given]  # fmt: skip
    if len(ways) > 1:
        raise UsageError(f"asking Prometheus: {' and '.join(ways)} were given; choose one")
    if not access.timeout_s > 0:
        raise UsageError(f"asking Prometheus: a time limit of {access.timeout_s:g} s; expected more than 0")
    same = {name: getattr(access, name) for name in ("token", "sigv4_region", "org", "ca_file", "timeout_s")}
    return PrometheusAccess(url=access.url, user=user, password=password, **same), base


def _headers(access: PrometheusAccess) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
    if access.user:
        pair = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    if access.token:
        headers["Authorization"] = f"Bearer {access.token}"
    if access.org:
        headers["X-Scope-OrgID"] = access.org
    if odd := [name for name, value in headers.items() if not value.isprintable() or not value.isascii()]:
        raise UsageError(f"asking Prometheus: what was given for {odd[0]} is not one line of plain text")
    return headers


def _credentials(access: PrometheusAccess) -> Any:
    """AWS credentials as boto3 finds them; None where nothing is signed."""
    if not access.sigv4_region:
        return None
    try:
        found = Session().get_credentials()
    except BotoCoreError as error:
        raise UnreachableError(f"looking for AWS credentials: {_short(error)}") from None
    if found is None:
        raise UnreachableError(
            "signing for Prometheus on AWS: there are no AWS credentials; set AWS_PROFILE or log in"
        )
    return found


def _said(body: bytes) -> str:
    """The engine's own message, or the beginning of whatever it is."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict):
        for key in ("error", "message", "Message"):
            if found.get(key):
                return _short(found[key])
    if body.lstrip()[:1] == b"<":
        return "a web page"
    return _short(body[:_SHOWN].decode(errors="replace")) or "no message"


def _short(what: object) -> str:
    text = " ".join(str(what).split())[:_SHOWN]
    return "".join(letter if letter.isprintable() else "?" for letter in text)
