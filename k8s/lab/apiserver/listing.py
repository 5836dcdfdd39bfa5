"""Reading: one object, or a page of a list, as of now or as of a version."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from k8s.lab.apiserver import faults, selectors, statuses
from k8s.lab.apiserver.object_store import ObjectStore, StoreKey, key_of
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.design.seeds import Object

Selects = Callable[[Object], bool]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a ``continue`` token says, in the real one's encoding (base64 of JSON)."""

    v: str = "meta.k8s.io/v1"
    rv: int
    """The version of the list; negative: whatever is newest, for a client whose version has expired."""
    start: str
    """``namespace/name`` of the last object handed out."""

    @property
    def key(self) -> StoreKey:
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


def matcher(options: Options, target: RequestTarget) -> Selects:
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


def read(store: ObjectStore, target: RequestTarget) -> Object:
    """The object the target names; StatusError 404."""
    found = store.get(target.resource, (target.namespace, target.name))
    if found is None:
        raise statuses.not_found(target.resource, target.name)
    return found


def read_as_of(store: ObjectStore, target: RequestTarget, options: Options) -> Object:
    """The object, no older than ``resourceVersion`` says; StatusError 400, 404 or 504."""
    check_known(store, version_asked(options.version))
    return read(store, target)


def read_page(store: ObjectStore, target: RequestTarget, options: Options) -> Page:
    """The page that the options ask for; StatusError 400, 410, 422 or 504."""
    check_list_options(options)
    matches = matcher(options, target)
    token = _token(options.go_on) if options.go_on else None
    if token is not None and version_asked(options.version):
        raise statuses.bad_request("specifying resource version is not allowed when using continue")
    exact = _exact(options) if token is None else token.rv if token.rv > 0 else None
    if token is None:
        check_known(store, version_asked(options.version))
    version = store.version if exact is None else exact
    try:
        objects = store.objects(target.resource, target.namespace, at=exact)
    except statuses.StatusError as error:
        raise _too_old(token) from error
    found = [obj for obj in objects if matches(obj) and (token is None or key_of(obj) > token.key)]
    # From the cache of a real one, which answers "0", everything comes at once.
    limit = 0 if options.version == "0" and token is None else options.limit
    if not limit or len(found) <= limit:
        return Page(items=tuple(found), version=version)
    items = tuple(found[:limit])
    return Page(
        items=items,
        version=version,
        go_on=_encoded(Token(rv=version, start="/".join(key_of(items[-1])))),
        remaining=None if options.labels or options.fields else len(found) - limit,
    )


def check_list_options(options: Options) -> None:
    """StatusError 422 for parameters of a list or a watch that contradict each other."""
    match, found = options.version_match, []
    known = ("NotOlderThan",) if options.watch else ("Exact", "NotOlderThan")
    field = "resourceVersionMatch"
    if match and match not in known:
        found.append(faults.not_supported(field, match, known))
    if match and options.go_on:
        found.append(faults.forbidden(field, f"{field} is forbidden when continue is provided"))
    if options.watch:
        if options.initial_events is not None and match != "NotOlderThan":
            why = f"sendInitialEvents requires setting {field} to NotOlderThan"
            found.append(faults.forbidden(field, why))
        if match and options.initial_events is None:
            why = f"{field} is forbidden for watch unless sendInitialEvents is provided"
            found.append(faults.forbidden(field, why))
    else:
        if match and not options.version:
            why = f"{field} is forbidden unless resourceVersion is provided"
            found.append(faults.forbidden(field, why))
        if match == "Exact" and options.version == "0":
            why = f'{field} "exact" is forbidden for resourceVersion "0"'
            found.append(faults.forbidden(field, why))
        if options.initial_events is not None:
            found.append(faults.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if found:
        raise statuses.invalid_options("ListOptions", found)


def check_known(store: ObjectStore, version: int) -> None:
    """StatusError 504 for a version of the future."""
    if version > store.version:
        raise statuses.too_large_version(version, store.version)


def _exact(options: Options) -> int | None:
    """The version that a list has to be of; None: the newest will do."""
    version = version_asked(options.version)
    # Without a match, a first page of a version is of that version: so it was before there were matches.
    is_exact = options.version_match == "Exact" or (options.limit and not options.version_match)
    return version if version and is_exact else None


def version_asked(text: str) -> int:
    """A ``resourceVersion`` parameter as a number, 0 for none; StatusError 400."""
    if not text.isascii() or not (text.isdigit() or not text):
        raise statuses.bad_request(
            f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text[:20] or 0)


def _too_old(token: Token | None) -> statuses.StatusError:
    """410; who was going through pages gets a token to go on with, at the newest version."""
    if token is None:
        return statuses.expired("The resourceVersion for the provided list is too old.")
    return statuses.expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new "
        "list without the continue parameter, or use the continue token in this response to retrieve the "
        "remainder of the results. Continuing with the provided token results in an inconsistent list - "
        "objects that were created, modified, or deleted between the time the first chunk was returned and "
        "now may show up in the list.",
        go_on=_encoded(Token(rv=-1, start=token.start)),
    )


def _token(text: str) -> Token:
    try:
        padded = text + "=" * (-len(text) % 4)
        token = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=Token)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise statuses.bad_request(f"continue key is not valid: {error}") from error
    if token.rv == 0:
        raise statuses.bad_request("continue key is not valid: incorrect encoded start resourceVersion")
    return token


def _encoded(token: Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")
