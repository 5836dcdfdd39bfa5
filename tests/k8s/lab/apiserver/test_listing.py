"""Lists and pages."""

from dataclasses import replace

import pytest

from k8s.lab.apiserver.listing import Page, read_as_of, read_page
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import PODS
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place, target_of

ALL_PODS = RequestTarget(resource=PODS)


def names(page: Page) -> list[str]:
    return [obj["metadata"]["name"] for obj in page.items]


@pytest.fixture
def place() -> Place:
    """Five pods in catalog, one in ui."""
    place = Place()
    for number in range(5):
        place.add(samples.pod(f"p{number}", "catalog", on=f"node-{number % 2}"))
    place.add(samples.pod("u0", "ui"))
    return place


def test_a_list_is_of_one_namespace_or_of_all(place: Place) -> None:
    """With the version it was taken at."""
    everything = read_page(place.store, ALL_PODS, Options())

    assert names(everything) == ["p0", "p1", "p2", "p3", "p4", "u0"]
    assert {"resourceVersion": str(place.store.version)} == everything.metadata
    assert names(read_page(place.store, replace(ALL_PODS, namespace="ui"), Options())) == ["u0"]


def test_selectors_filter_a_list(place: Place) -> None:
    """Labels and fields together."""
    options = Options(labels="app.kubernetes.io/name=catalog", fields="spec.nodeName=node-1")

    assert names(read_page(place.store, ALL_PODS, options)) == ["p1", "p3"]


def test_pages_show_one_moment(place: Place) -> None:
    """What happens between two pages is in neither of them."""
    first = read_page(place.store, ALL_PODS, Options(limit=2))
    place.add(samples.pod("p2b", "catalog"))
    place.writer.delete(target_of(samples.pod("p3", "catalog")), None, Options())
    second = read_page(place.store, ALL_PODS, Options(limit=3, go_on=first.go_on))
    third = read_page(place.store, ALL_PODS, Options(limit=3, go_on=second.go_on))

    assert [names(page) for page in (first, second, third)] == [["p0", "p1"], ["p2", "p3", "p4"], ["u0"]]
    assert [page.remaining for page in (first, second, third)] == [4, 1, None]
    assert first.version == second.version == third.version
    assert third.go_on == ""


def test_filtered_pages_do_not_say_how_many_remain(place: Place) -> None:
    """As upstream: it would have to read on to know."""
    page = read_page(place.store, ALL_PODS, Options(limit=2, labels="app.kubernetes.io/name"))

    assert page.go_on
    assert page.remaining is None


def test_a_page_from_too_long_ago_is_410() -> None:
    """The history no longer reaches the first page's moment."""
    place = Place(history=2)
    for number in range(3):
        place.add(samples.pod(f"p{number}", "catalog"))
    first = read_page(place.store, ALL_PODS, Options(limit=1))
    for number in range(3, 6):
        place.add(samples.pod(f"p{number}", "catalog"))

    with pytest.raises(StatusError, match="The provided continue parameter is too old") as refused:
        read_page(place.store, ALL_PODS, Options(limit=1, go_on=first.go_on))
    assert (refused.value.code, refused.value.body["reason"]) == (410, "Expired")
    token = refused.value.body["metadata"]["continue"]
    rest = read_page(place.store, ALL_PODS, Options(go_on=token))
    assert names(rest) == ["p1", "p2", "p3", "p4", "p5"]
    assert rest.version == place.store.version


def test_a_version_from_too_long_ago_is_410() -> None:
    """An exact one; "not older than" it is everything that is newer."""
    place = Place(history=2)
    for number in range(4):
        place.add(samples.pod(f"p{number}", "catalog"))
    with pytest.raises(StatusError, match="The resourceVersion for the provided list is too old") as refused:
        read_page(place.store, ALL_PODS, Options(version="3", version_match="Exact"))

    assert refused.value.code == 410
    newer = Options(version="3", version_match="NotOlderThan")
    assert len(read_page(place.store, ALL_PODS, newer).items) == 4


def test_pages_of_a_version_are_of_that_version(place: Place) -> None:
    """Without a match, a limit makes it exact: so it was before there were matches."""
    then = str(place.store.version - 2)

    assert names(read_page(place.store, ALL_PODS, Options(version=then)))[-1] == "u0"
    first = read_page(place.store, ALL_PODS, Options(version=then, limit=4))
    rest = read_page(place.store, ALL_PODS, Options(limit=4, go_on=first.go_on))
    assert names(first) + names(rest) == ["p0", "p1", "p2", "p3", "p4"]
    assert first.version == int(then)


def test_version_zero_takes_what_there_is(place: Place) -> None:
    """All at once, as a real one's cache does it."""
    assert len(read_page(place.store, ALL_PODS, Options(version="0", limit=2)).items) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            Options(version_match="Exact"),
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            Options(version="0", version_match="Exact"),
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            Options(version="1", version_match="Roughly"),
            'Unsupported value: "Roughly": supported values: "Exact", "NotOlderThan"',
        ),
        (
            Options(version="1", version_match="Exact", go_on="x"),
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        (Options(initial_events=True), "sendInitialEvents is forbidden for list"),
    ],
)
def test_options_that_contradict_each_other_are_422(place: Place, options: Options, words: str) -> None:
    """Each in upstream's words."""
    with pytest.raises(StatusError) as refused:
        read_page(place.store, ALL_PODS, options)
    assert refused.value.code == 422
    assert str(refused.value).startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert words in str(refused.value)


def test_a_version_and_a_token_are_one_too_many(place: Place) -> None:
    """The token has a version already."""
    first = read_page(place.store, ALL_PODS, Options(limit=1))
    with pytest.raises(StatusError, match="specifying resource version is not allowed") as refused:
        read_page(place.store, ALL_PODS, Options(go_on=first.go_on, version="5"))
    assert refused.value.code == 400


def test_one_object_no_older_than(place: Place) -> None:
    """A version of the future is 504 here, too."""
    target = target_of(samples.pod("p0", "catalog"))

    assert read_as_of(place.store, target, Options(version="1"))["metadata"]["name"] == "p0"
    with pytest.raises(StatusError, match="Too large resource version"):
        read_as_of(place.store, target, Options(version="99999"))


@pytest.mark.parametrize("token", ["x", "%%%", "e30", "bnVsbA", "eyJydiI6IngiLCJzdGFydCI6IiJ9", "é"])
def test_a_token_that_is_none_is_400(place: Place, token: str) -> None:
    """Not base64, not JSON, or not a token."""
    with pytest.raises(StatusError, match="continue key is not valid") as refused:
        read_page(place.store, ALL_PODS, Options(go_on=token))
    assert refused.value.code == 400


def test_an_exact_version_can_be_asked_for(place: Place) -> None:
    """``resourceVersionMatch=Exact`` shows that moment, any other match shows now."""
    then = str(place.store.version - 2)

    exact = read_page(place.store, ALL_PODS, Options(version=then, version_match="Exact"))
    newer = read_page(place.store, ALL_PODS, Options(version=then, version_match="NotOlderThan"))

    assert (5, then) == (len(exact.items), exact.metadata["resourceVersion"])
    assert len(newer.items) == 6


def test_a_version_of_the_future_is_504(place: Place) -> None:
    """With the cause that client-go looks for."""
    with pytest.raises(StatusError, match="Too large resource version: 99999, current: 14") as refused:
        read_page(place.store, ALL_PODS, Options(version="99999"))
    assert refused.value.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert refused.value.code == 504


@pytest.mark.parametrize("version", ["x", "-1", "1.5", "²"])
def test_a_version_that_is_no_number_is_400(place: Place, version: str) -> None:
    """Versions are opaque, but not that opaque."""
    with pytest.raises(StatusError) as refused:
        read_page(place.store, ALL_PODS, Options(version=version))
    assert refused.value.code == 400
