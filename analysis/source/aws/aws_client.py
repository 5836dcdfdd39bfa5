"""A service of AWS through boto3, or a stand-in of it: the only file that knows boto3.

The same client reads AWS and the lab's stand-in. Refusals become one line each: what was asked of whom, the
service's own words, what to try; which class says whether asking again later may help.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from analysis.source.interface import IncompleteError, Raw, RefusedError, ThrottledError
from k8s.errors import UnreachableError

MOST_PAGES: Final = 10_000
"""Of one query; far more than a window holds."""
CONNECT_S: Final = 3.0
READ_S: Final = 15.0
ATTEMPTS: Final = 4
"""The client's own, a few seconds apart: a server that hangs is given up after about a minute."""
DUMMY: Final = "samezone"
_SERVER_ERRORS: Final = 500
_THROTTLES: Final = frozenset({"ThrottledException", "ThrottlingException", "TooManyRequestsException"})
_EXPIRED: Final = frozenset(
    {
        *("ExpiredTokenException", "ExpiredToken", "InvalidSignatureException"),
        *("UnrecognizedClientException", "InvalidClientTokenId"),
    }
)


class AwsClient:
    """One service; every call raises UnreachableError where it refuses or is away."""

    def __init__(
        self,
        service: str,
        *,
        title: str,
        region: str | None,
        endpoint_url: str | None,
        dummy_credentials: bool,
        holds: Mapping[str, str],
        policy: str,
        busy: Mapping[str, str] | None = None,
    ) -> None:
        """*holds* names per operation what an answer holds however little there is to tell.

        *policy* is the IAM policy that allows what is called; *busy* are errors, besides throttles, that
        pass, with what to do about each.
        """
        self.is_stand_in = endpoint_url is not None and "amazonaws.com" not in endpoint_url
        """Not AWS itself: it shows what it was told at once."""
        self.where = endpoint_url or f"{title} in {region or 'the default region'}"
        self._service, self._title, self._policy = service, title, policy
        self._holds, self._busy = holds, dict(busy or {})
        try:
            # The session that boto3 shares keeps credentials as they were when they were first asked for.
            self._client = boto3.Session().client(
                service,
                region_name=region,
                endpoint_url=endpoint_url,
                **({"aws_access_key_id": DUMMY, "aws_secret_access_key": DUMMY} if dummy_credentials else {}),
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    connect_timeout=CONNECT_S,
                    read_timeout=READ_S,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise UnreachableError(f"connecting to {self.where}: {_short(error)}") from error

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One call's answer; ThrottledError and IncompleteError where asking again later may help."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "?"))
            raise self._kind(error, code)(
                f"calling {operation} of {self.where}: {code}: {_message(error)}; {self._advice(error, code)}"
            ) from error
        except BotoCoreError as error:
            raise UnreachableError(
                f"calling {operation} of {self.where}: {_short(error)}; is it up, are there credentials?"
            ) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # What botocore's parser raises over bytes that are no JSON, or JSON of another shape.
            raise IncompleteError(
                f"calling {operation} of {self.where}: the answer cannot be read ({_short(error)}); does "
                f"something else than {self._title} answer there, a proxy or a login page?"
            ) from error
        wanted = self._holds[operation]
        if wanted not in answer:
            raise IncompleteError(
                f"calling {operation} of {self.where}: the answer holds no {wanted}; does something else "
                f"than {self._title} answer there, a proxy or a login page?"
            )
        return answer

    def pages(self, operation: str, *, token: str = "NextToken", **arguments: Any) -> Iterator[Raw]:  # noqa: S107 - a key's name
        """All pages of an operation, by its *token*; IncompleteError where they have no end."""
        place: str | None = None
        seen: set[str] = set()
        while place not in seen and len(seen) < MOST_PAGES:
            if place:
                seen.add(place)
            page = self.call(operation, **arguments, **({token: place} if place else {}))
            page.pop("ResponseMetadata", None)
            yield page
            place = page.get(token)
            if not place:
                return
        raise IncompleteError(
            f"calling {operation} of {self.where}: its pages have no end, after {len(seen) + 1} of them the "
            "next one is one that was read already, or there are too many; ask again later"
        )

    def _kind(self, error: ClientError, code: str) -> type[UnreachableError]:
        """What a refusal is: passing, or for good."""
        if code in _THROTTLES or code in self._busy:
            return ThrottledError
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return IncompleteError if status >= _SERVER_ERRORS else RefusedError

    def _advice(self, error: ClientError, code: str) -> str:
        if code in self._busy:
            return self._busy[code]
        if code in _THROTTLES:
            return "it throttles; wait a minute and try again"
        if code in _EXPIRED:
            return "renew the AWS credentials and try again"
        if code.startswith("AccessDenied"):
            return (
                f"allow the IAM action {self._service}:{error.operation_name}, or attach the policy that "
                f"Terraform's {self._policy} names"
            )
        if self._kind(error, code) is IncompleteError:
            return "it has trouble of its own; try again in a few minutes"
        return "see the message"


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")).strip()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
