"""A locustfile of the user's own as it travels to a cluster: in a ConfigMap that the Locust pods mount."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from k8s.eks.manifests import Rendered
from k8s.errors import UsageError
from k8s.filemark import mark_of
from k8s.model.objects import Raw

CONFIGMAP: Final = "samezone-locustfile"
NAMESPACE: Final = "locust"
ANNOTATION: Final = "samezone.dev/locustfile"
"""Of the Locust pods: which file they were started with."""
_MOST_BYTES: Final = 900_000
"""A ConfigMap may hold a mebibyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLocustfile:
    """A file that can be sent."""

    name: str
    text: str
    mark: str


def read(path: Path) -> OwnLocustfile:
    """Read *path*; UsageError where it cannot be, is too large, or is no Python."""
    doing = f"cluster deploy --locustfile {path}"
    try:
        content = path.read_bytes()
        text = content.decode()
        compile(text, str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise UsageError(f"{doing}: {error.strerror}") from error
    except SyntaxError as error:
        raise UsageError(f"{doing}: {path}:{error.lineno}: SyntaxError: {error.msg}") from error
    except ValueError as error:
        raise UsageError(f"{doing}: {error}") from error
    if path.suffix != ".py":
        raise UsageError(f"{doing}: give a file whose name ends in .py")
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{doing}: {len(content):,} bytes do not fit into a ConfigMap ({_MOST_BYTES:,})")
    return OwnLocustfile(name=path.name, text=text, mark=mark_of(path, content))


def filled(rendered: Rendered, own: OwnLocustfile | None) -> Rendered:
    """The objects with *own* in its ConfigMap, and marked on the pods so that they are started anew with it.

    None takes an earlier one away.
    """
    if own is None:
        return rendered
    return replace(rendered, objects=tuple(_filled(one, own) for one in rendered.objects))


def _filled(one: Raw, own: OwnLocustfile) -> Raw:
    metadata = one["metadata"]
    if metadata.get("namespace") != NAMESPACE:
        return one
    if one["kind"] == "ConfigMap" and metadata["name"] == CONFIGMAP:
        return {**one, "data": {own.name: own.text}}
    if one["kind"] == "Deployment":
        return _annotated(one, own.mark)
    return one


def _annotated(deployment: Raw, mark: str) -> dict[str, Any]:
    spec = deployment["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION: mark}
    return {
        **deployment,
        "spec": {**spec, "template": {**template, "metadata": {**metadata, "annotations": annotations}}},
    }
