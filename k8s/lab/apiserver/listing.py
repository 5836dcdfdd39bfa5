"""Reading: one object, or a page of a list, as of now or as of a version."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from k8s.lab.apiserver import selectors, statuses
from k8s.lab.apiserver.requests import Options, Target
from k8s.lab.apiserver.resources import Resource
from k8s.lab.apiserver.store import Key, Object, Store, key_of

Matcher = Callable[[Object], bool]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``continue`` token says, in the real one's encoding (base64 of JSON)."""

    v: str = "meta.k8s.io/v1"
    rv: int
    start: str
    """``namespace/name`` of the last object handed out."""

    @property
    def key(self) -> Key:
        """The place in the list to go on behind."""
        namespace, _, name = self.start.rpartition("/")
        return namespace, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list."""

    items: tuple[Object, ...]
    version: int
    go_on: str = ""
    """Empty on the last page."""
    remaining: int | None = None
    """How many are left; only known where no selector filters."""

    @property
    def metadata(self) -> dict[str, object]:
        """The ListMeta."""
        return {
            "resourceVersion": str(self.version),
            **({"continue": self.go_on} if self.go_on else {}),
            **({} if self.remaining is None else {"remainingItemCount": self.remaining}),
        }


def matcher(options: Options, target: Target) -> Matcher:
    """Whether an object is in what the request asks for: namespace, name, label and field selectors."""
    labels = selectors.parse_labels(options.labels)
    fields = selectors.parse_fields(options.fields, target.resource)

    def matches(obj: Object) -> bool:
        namespace, name = key_of(obj)
        return (
            target.namespace in ("", namespace)
            and target.name in ("", name)
            and selectors.labels_match(labels, obj)
            and selectors.fields_match(fields, target.resource, obj)
        )

    return matches


def read(store: Store, target: Target) -> Object:
    """The object the target names; StatusError 404."""
    found = store.get(target.resource, (target.namespace, target.name))
    if found is None:
        raise statuses.not_found(target.resource, target.name)
    return found


def read_page(store: Store, target: Target, options: Options) -> Page:
    """The page that the options ask for; StatusError 400, 410 or 504."""
    matches = matcher(options, target)
    token = _token(options.go_on) if options.go_on else None
    version = token.rv if token else store.version
    exact = None if token is None else token.rv
    if token is None and options.version:
        asked = version_asked(options.version)
        if asked > store.version:
            raise statuses.too_large_version(asked, store.version)
        if options.version_match == "Exact":
            exact = version = asked
    objects = _objects_at(store, target.resource, target.namespace, exact, is_continued=token is not None)
    found = [obj for obj in objects if matches(obj) and (token is None or key_of(obj) > token.key)]
    if not options.limit or len(found) <= options.limit:
        return Page(items=tuple(found), version=version)
    items = tuple(found[: options.limit])
    return Page(
        items=items,
        version=version,
        go_on=_encoded(Token(rv=version, start="/".join(key_of(items[-1])))),
        remaining=None if options.labels or options.fields else len(found) - options.limit,
    )


def version_asked(text: str) -> int:
    """A ``resourceVersion`` parameter as a number, 0 for none; StatusError 400."""
    if not text.isascii() or not (text.isdigit() or not text):
        raise statuses.bad_request(
            f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text[:20] or 0)


def _objects_at(
    store: Store, resource: Resource, namespace: str, version: int | None, *, is_continued: bool
) -> list[Object]:
    try:
        return store.objects(resource, namespace, at=version)
    except statuses.StatusError as error:
        if not is_continued:
            raise
        raise statuses.expired(
            "The provided continue parameter is too old to display a consistent list result. "
            "You must start a new list without the continue parameter."
        ) from error


def _token(text: str) -> Token:
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=Token)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise statuses.bad_request(f"continue key is not valid: {error}") from error


def _encoded(token: Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")
