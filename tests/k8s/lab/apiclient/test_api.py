"""The lab's own client against an API server that is not there, or not one."""

import pytest

from k8s.lab.apiclient.api import ApiError, LabApi
from tests.k8s.lab.stage import free_port


def test_no_server() -> None:
    """A request without an answer names the server; its status is 0."""
    port = free_port()
    with pytest.raises(ApiError, match=rf"asking the lab's API server at 127\.0\.0\.1:{port}") as caught:
        LabApi(f"http://127.0.0.1:{port}", "token").call("GET", "/api/v1/nodes")
    assert caught.value.status == 0
