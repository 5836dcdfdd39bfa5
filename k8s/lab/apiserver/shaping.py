"""Objects, lists and watch events in the form the caller asked for: plain, table or metadata only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k8s.lab.apiserver.listing import Page
from k8s.lab.apiserver.negotiation import Form, Negotiated
from k8s.lab.apiserver.resources import Resource
from k8s.lab.apiserver.tables import metadata_only, table
from k8s.lab.design.seeds import Object

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaper:
    """How the answers of one request are formed."""

    resource: Resource
    wanted: Negotiated
    include: str
    """``includeObject`` of tables: None, Metadata or Object."""
    clock: Callable[[], datetime]
    """Ages are counted from here."""

    def one(self, obj: Object) -> Any:
        """A single object."""
        match self.wanted.form:
            case Form.TABLE:
                version = obj["metadata"].get("resourceVersion", "")
                return self._table([obj], {"resourceVersion": version})
            case Form.METADATA:
                return metadata_only(obj, self.wanted.version)
        return obj

    def page(self, page: Page) -> Any:
        """A list."""
        match self.wanted.form:
            case Form.TABLE:
                return self._table(page.items, page.metadata)
            case Form.METADATA | Form.METADATA_LIST:
                return {
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": f"meta.k8s.io/{self.wanted.version}",
                    "metadata": page.metadata,
                    "items": [metadata_only(obj, self.wanted.version) for obj in page.items],
                }
        return {
            "kind": f"{self.resource.kind}List",
            "apiVersion": self.resource.api_version,
            "metadata": page.metadata,
            "items": page.items,
        }

    def event(self, kind: str, obj: Object, *, is_first: bool) -> dict[str, Any]:
        """A watch event; of tables, only the first one names the columns."""
        if self.wanted.form is Form.TABLE:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return {"type": kind, "object": self._table([obj], metadata, with_columns=is_first)}
        return {"type": kind, "object": self.one(obj)}

    def bookmark(self, version: int, *, ends_initial: bool = False) -> dict[str, Any]:
        """A BOOKMARK event: all changes up to *version* have been sent."""
        metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if ends_initial:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        if self.wanted.form is Form.TABLE:
            return {"type": "BOOKMARK", "object": self._table([], metadata, with_columns=False)}
        obj = {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": metadata}
        return {"type": "BOOKMARK", "object": self.one(obj)}

    def _table(self, objects: Any, metadata: dict[str, Any], *, with_columns: bool = True) -> dict[str, Any]:
        return table(
            self.resource,
            objects,
            now=self.clock(),
            metadata=metadata,
            version=self.wanted.version,
            include=self.include,
            with_columns=with_columns,
        )
