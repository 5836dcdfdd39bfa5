"""The errors of CloudWatch Logs, with the codes that botocore's service model names; all come with HTTP 400.

Their words are AWS's where they are known (seen in others' reports), and say what is asked for elsewhere.
"""

from k8s.errors import SamezoneError


class LogsError(SamezoneError):
    """An answer other than 200: *code* becomes ``client.exceptions.<code>`` where the model knows it."""

    def __init__(self, code: str, message: str) -> None:
        """*message* is the answer's."""
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_parameter(message: str) -> LogsError:
    """A parameter is missing, or is not what it may be."""
    return LogsError("InvalidParameterException", message)


def malformed_query(message: str) -> LogsError:
    """The query's text is not what is understood here."""
    return LogsError("MalformedQueryException", message)


def no_such_group(name: str, account: str) -> LogsError:
    """The log group is not there."""
    return LogsError(
        "ResourceNotFoundException", f"Log group '{name}' does not exist for account ID '{account}'"
    )


def no_such_query(query_id: str) -> LogsError:
    """The query is not there, or not any more."""
    return LogsError("ResourceNotFoundException", f"Query '{query_id}' does not exist")


def too_many_queries(most: int) -> LogsError:
    """As many queries run at once as may."""
    return LogsError(
        "LimitExceededException", f"Account maximum query concurrency limit of [{most}] reached."
    )


def rate_exceeded() -> LogsError:
    """The request exceeds the maximum number of requests per second."""
    return LogsError("ThrottlingException", "Rate exceeded")


def unknown_target(target: str) -> LogsError:
    """There is no such operation here."""
    return LogsError("UnknownOperationException", f"The stand-in has no operation {target}")
