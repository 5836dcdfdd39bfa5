"""The errors of the API, with the codes and HTTP statuses that botocore's service model names."""

from http import HTTPStatus

from k8s.errors import SamezoneError


class XrayError(SamezoneError):
    """An answer other than 200: *code* becomes ``client.exceptions.<code>`` where the model knows it."""

    def __init__(self, code: str, message: str, status: HTTPStatus) -> None:
        """*status* is the HTTP status."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid_request(message: str) -> XrayError:
    """The request is missing required parameters or has invalid ones."""
    return XrayError("InvalidRequestException", message, HTTPStatus.BAD_REQUEST)


def throttled(code: str) -> XrayError:
    """The request exceeds the maximum number of requests per second."""
    return XrayError(code, "Rate exceeded", HTTPStatus.TOO_MANY_REQUESTS)


def unknown_operation(path: str) -> XrayError:
    """There is no such operation here."""
    return XrayError(
        "UnknownOperationException", f"The stand-in has no operation at {path}", HTTPStatus.NOT_FOUND
    )
