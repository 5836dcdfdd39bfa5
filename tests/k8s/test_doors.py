"""Who is let in at a door on the loopback."""

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.doors import host_name, is_loopback, is_within, refusal

HERE = "127.0.0.1:16443"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": f"http://{HERE}"},
        {"Origin": f"https://{HERE}"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{HERE}"},
    ],
)
def test_programs_and_own_pages_are_let_in(headers: dict[str, str]) -> None:
    """No Origin, or the server's own."""
    assert refusal({"Host": HERE} | headers, is_loopback) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": HERE},
        {"Origin": f"http://{HERE}.evil.test"},
        {"Origin": f"http://evil.test/{HERE}"},
        {"Origin": f"http://evil.test@{HERE}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something-new"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_pages_of_others_are_refused(headers: dict[str, str]) -> None:
    """By their Origin, or by what the browser says of them where it sends none."""
    found = refusal({"Host": HERE} | headers, is_loopback)

    assert found is not None
    assert found.status is HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:16443", True),
        ("localhost:16443", True),
        ("LocalHost", True),
        ("localhost.", True),
        ("127.100.0.1", True),
        ("[::1]:16443", True),
        ("evil.test", False),
        ("evil.test:16443", False),
        ("127.0.0.1.evil.test:16443", False),
        ("localhost.evil.test", False),
        ("10.0.0.1", False),
        ("127.0.0.1:port", False),
        ("127.0.0.1:16443:1", False),
        ("[::1", False),
        ("", False),
        (":16443", False),
        ("user@127.0.0.1", False),
    ],
)
def test_only_the_loopback_is_the_labs(host: str, expected: bool) -> None:
    """A name that somebody else owns may lead here, and be another site's to a browser."""
    found = refusal({"Host": host}, is_loopback)

    assert (found is None) is expected
    assert found is None or found.status is HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("10.244.1.7", True),
        ("::1", True),
        ("localhost", True),
        ("locust-master", True),
        ("locust-master.locust.svc", True),
        ("locust-master.locust.svc.cluster.local", True),
        ("locust.example.org", False),
        ("10.244.1.7.example.org", False),
        ("svc.example.org", False),
    ],
)
def test_a_clusters_own_names(name: str, expected: bool) -> None:
    """Probes ask by address, others by a Service's name; no name of the world's is among them."""
    assert is_within(name) is expected


def test_a_person_may_follow_a_link() -> None:
    """To a page that stands by itself; in a frame it could be clicked on unseen."""
    visit = {"Host": HERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert refusal(visit | {"Sec-Fetch-Dest": "document"}, is_loopback, visit=True) is None
    assert refusal(visit | {"Sec-Fetch-Dest": "iframe"}, is_loopback, visit=True) is not None
    assert refusal(visit | {"Sec-Fetch-Dest": "document", "Origin": "null"}, is_loopback, visit=True)


@given(host=st.text(max_size=30), origin=st.none() | st.text(max_size=30))
def test_any_header_is_judged(host: str, origin: str | None) -> None:
    """Whatever is in them: let in or refused, and nothing gets in whose host is not the loopback."""
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    name = host_name(host)

    if refusal(headers, is_loopback) is None:
        assert name is not None
        assert is_loopback(name)
