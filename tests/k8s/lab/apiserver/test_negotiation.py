"""Accept headers."""

import pytest

from k8s.lab.apiserver.negotiation import META_FORMS, Form, Negotiated, wanted
from k8s.lab.apiserver.statuses import StatusError

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
TABLE_BETA = "application/json;as=Table;v=v1beta1;g=meta.k8s.io"
GROUPS = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Negotiated()),
        ("*/*", Negotiated()),
        ("application/json", Negotiated()),
        ("application/json, */*", Negotiated()),
        ("application/vnd.kubernetes.protobuf,application/json", Negotiated()),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Negotiated()),
        (
            f"{TABLE},{TABLE_BETA},application/json",
            Negotiated(form=Form.TABLE, group="meta.k8s.io", version="v1"),
        ),
        (
            f"{TABLE_BETA},application/json",
            Negotiated(form=Form.TABLE, group="meta.k8s.io", version="v1beta1"),
        ),
        (f"application/json,{TABLE}", Negotiated()),
        (f"{TABLE};q=0.5,application/json", Negotiated()),
        (f"{GROUPS},application/json", Negotiated()),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Negotiated()),
        (
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
            ),
            Negotiated(form=Form.METADATA, group="meta.k8s.io", version="v1"),
        ),
    ],
)
def test_the_first_clause_that_can_be_met_wins(accept: str, expected: Negotiated) -> None:
    """By quality, then in order; protobuf and unknown forms are passed over."""
    assert expected == wanted(accept, META_FORMS)


def test_aggregated_discovery_is_given_where_it_is_offered() -> None:
    """And only there."""
    found = wanted(f"{GROUPS},application/json", (Form.GROUP_LIST,))

    assert Negotiated(form=Form.GROUP_LIST, group="apidiscovery.k8s.io", version="v2") == found


@pytest.mark.parametrize(
    "accept", ["application/vnd.kubernetes.protobuf", "text/html", TABLE.replace("v1", "v9"), "*/*;q=0"]
)
def test_what_cannot_be_met_is_406(accept: str) -> None:
    """With the one type that is written here."""
    with pytest.raises(StatusError, match="only the following media types are accepted") as refused:
        wanted(accept, META_FORMS)
    assert refused.value.code == 406
