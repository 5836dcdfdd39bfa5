"""What can be turned while it runs: throttling for a while, refused credentials, losses."""

from typing import Any

import pytest

from k8s.lab.xray.api_errors import XrayError
from k8s.lab.xray.credentials import check_credentials, check_signature
from tests.k8s.lab.xray.builders import WINDOW, Clock, refused, services, shop, stand_in, take

_KEY = "AWS4-HMAC-SHA256 Credential={}/20261122/eu-west-1/xray/aws4_request, SignedHeaders=host, Signature=0"


def test_throttled_for_a_while() -> None:
    """Every call is a 429 for so many seconds, OTLP is not, and then all is as before."""
    clock = Clock()
    target = stand_in(clock)
    target.turn({"throttle_for_s": 5})
    take(target, shop())
    first = refused(target, "/ServiceGraph", **WINDOW)
    clock.now_s += 5.0

    assert (first.code, first.status, first.message) == ("ThrottledException", 429, "Rate exceeded")
    assert len(services(target)) == 5


def test_code_of_the_front_door() -> None:
    """X-Ray's front door throttles under another name."""
    error = refused(stand_in(throttle_rate=1.0, throttle_code="ThrottlingException"), "/Groups")

    assert (error.code, error.status) == ("ThrottlingException", 429)


def test_losses_can_begin_and_end() -> None:
    """Rates turned at run time hold from then on; a reset brings the settings back."""
    target = stand_in()
    target.turn({"loss_rate": 1})
    take(target, shop())
    lost = target.status()["intake"]["lost"]
    target.turn({"loss_rate": 0.0})
    take(target, shop())

    assert (lost, len(services(target))) == (8, 5)
    target.turn({"loss_rate": 0.5})
    target.reset()
    assert target.status()["knobs"]["loss_rate"] == 0.0


@pytest.mark.parametrize(
    "changes",
    [
        {"loss_rate": 2},
        {"loss_rate": "much"},
        {"ingest_delay_s": 5},
        {"refuse": "everybody"},
        {"throttle_for_s": -1},
        {"unknown": 1},
    ],
)
def test_knobs_that_do_not_turn(changes: Any) -> None:
    """A knob that is unknown or out of bounds is refused, and no other is turned with it."""
    target = stand_in()
    before = target.status()["knobs"]

    with pytest.raises(XrayError, match="turning the stand-in's knobs"):
        target.turn({"duplicate_rate": 0.5, **changes})
    assert target.status()["knobs"] == before


@pytest.mark.parametrize(
    ("key", "refuse", "code", "words"),
    [
        ("EXPIRED", "", "ExpiredTokenException", "The security token included in the request is expired"),
        (
            "UNKNOWN",
            "",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        ("DENIED", "", "AccessDeniedException", "not authorized to perform: xray:GetServiceGraph because"),
        ("lab", "expired", "ExpiredTokenException", "is expired"),
        ("lab", "denied", "AccessDeniedException", "arn:aws:iam::000000000000:user/"),
    ],
)
def test_refused_credentials(key: str, refuse: str, code: str, words: str) -> None:
    """Credentials are refused with AWS's codes and words, by key id or all of them."""
    with pytest.raises(XrayError, match=words) as caught:
        check_credentials(_KEY.format(key), "/ServiceGraph", refuse=refuse, account="000000000000")

    assert (caught.value.code, caught.value.status) == (code, 403)


def test_other_credentials_pass() -> None:
    """Whoever else signs for X-Ray may call; an id that only begins like a refused one is another."""
    for key in ("lab", "AKIAIOSFODNN7EXAMPLE", "EXPIRED1"):
        check_signature(_KEY.format(key))
        check_credentials(_KEY.format(key), "/ServiceGraph", refuse="", account="0")
