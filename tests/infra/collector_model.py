"""What a collector does to spans, read from its configuration: the processors, then the X-Ray exporter.

Rules of the processors: opentelemetry-collector-contrib v0.156.0, ``processor/k8sattributesprocessor`` (an
attribute that is there stays; the first association with all its sources decides) and
``internal/coreinternal/attraction``; the exporter is the stand-in's translation, which recorded documents of
the real one prove elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from k8s.lab.xray.otel_resources import Indexing, resource_of
from k8s.lab.xray.spans import Span
from k8s.lab.xray.translate import Document, documents_of

Raw = Mapping[str, Any]
Attributes = dict[str, Any]

DOCUMENTS_A_CALL = 50
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPod:
    """A pod as the API server tells of it."""

    name: str
    namespace: str
    node: str
    ip: str

    @property
    def uid(self) -> str:
        """One a pod."""
        return f"uid-of-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCluster:
    """What k8s_attributes watches."""

    pods: tuple[KnownPod, ...]
    node_labels: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Spans of one resource, on their way."""

    connection: str
    """The address they came from; empty once it is forgotten."""
    resource: Attributes
    spans: tuple[Span, ...]


class Collector:
    """The traces pipeline of one configuration."""

    def __init__(self, config: Raw, environment: Mapping[str, str], cluster: KnownCluster) -> None:
        self._config = expanded(config, environment)
        self._cluster = cluster
        (self._steps,) = (one["processors"] for one in self._config["service"]["pipelines"].values())

    def pushes(self, batches: Sequence[Sent]) -> list[list[Document]]:
        """What reaches the exporter, push by push, as the documents that it makes."""
        waves = [list(batches)]
        for step in self._steps:
            settings = self._config["processors"][step]
            match step.partition("/")[0]:
                case "memory_limiter":
                    continue
                case "k8s_attributes":
                    waves = [[self._with_pod(one, settings) for one in wave] for wave in waves]
                case "resource":
                    waves = [[_with_actions(one, settings["attributes"]) for one in wave] for wave in waves]
                case "batch":
                    waves = _batched(waves, settings)
                case other:
                    raise NotImplementedError(other)
        (pipeline,) = self._config["service"]["pipelines"].values()
        (exporter,) = pipeline["exporters"]
        return [_documents(wave, self._config["exporters"][exporter]) for wave in waves]

    def _with_pod(self, sent: Sent, settings: Raw) -> Sent:
        attributes = dict(sent.resource)
        pod = self._pod_of(sent, settings["pod_association"])
        facts = {}
        if pod is not None:
            own = {"k8s.pod.name": pod.name, "k8s.namespace.name": pod.namespace, "k8s.node.name": pod.node}
            facts = {key: own[key] for key in settings["extract"]["metadata"]}
        node = pod.node if pod is not None else attributes.get("k8s.node.name", "")
        labels = self._cluster.node_labels.get(node, {})
        for rule in settings["extract"].get("labels", ()):
            if rule["from"] == "node" and rule["key"] in labels:
                facts[rule["tag_name"]] = labels[rule["key"]]
        for key, value in facts.items():
            attributes[key] = attributes.get(key) or value
        return replace(sent, resource=attributes)

    def _pod_of(self, sent: Sent, associations: Sequence[Raw]) -> KnownPod | None:
        fields = {
            "k8s.pod.uid": "uid",
            "k8s.pod.name": "name",
            "k8s.namespace.name": "namespace",
            "k8s.node.name": "node",
        }
        for association in associations:
            wanted = {
                "ip" if source["from"] == "connection" else fields[source["name"]]: sent.connection
                if source["from"] == "connection"
                else sent.resource.get(source["name"], "")
                for source in association["sources"]
            }
            if all(wanted.values()):
                found = (one for one in self._cluster.pods if wanted.items() <= _fields(one).items())
                return next(found, None)
        return None


def expanded(config: Any, environment: Mapping[str, str]) -> Any:
    """A configuration with its environment variables filled in; KeyError for one that is not set."""
    match config:
        case Mapping():
            return {key: expanded(value, environment) for key, value in config.items()}
        case list():
            return [expanded(value, environment) for value in config]
        case str():
            return _VARIABLE.sub(lambda match: environment[match[1]], config)
        case _:
            return config


def _fields(pod: KnownPod) -> dict[str, str]:
    return {"uid": pod.uid, "name": pod.name, "namespace": pod.namespace, "node": pod.node, "ip": pod.ip}


def _with_actions(sent: Sent, actions: Sequence[Raw]) -> Sent:
    attributes = dict(sent.resource)
    for action in actions:
        value = action["value"] if "value" in action else attributes.get(action["from_attribute"])
        if value is None or (action["action"] == "insert" and action["key"] in attributes):
            continue
        if action["action"] not in {"insert", "upsert"}:
            raise NotImplementedError(action["action"])
        attributes[action["key"]] = value
    return replace(sent, resource=attributes)


def _batched(waves: Sequence[Sequence[Sent]], settings: Raw) -> list[list[Sent]]:
    """Pushes of at most ``send_batch_max_size`` spans; whose they were is no longer known."""
    most = settings["send_batch_max_size"]
    spans = [
        replace(one, connection="", spans=(span,)) for wave in waves for one in wave for span in one.spans
    ]
    return [spans[start : start + most] for start in range(0, len(spans), most)]


def _documents(wave: Sequence[Sent], settings: Raw) -> list[Document]:
    indexing = Indexing(
        indexed_attributes=tuple(settings.get("indexed_attributes", ())),
        index_all_attributes=settings.get("index_all_attributes", False),
    )
    return [
        document
        for sent in wave
        for span in sent.spans
        for document in documents_of(span, resource_of(sent.resource), indexing)
    ]
