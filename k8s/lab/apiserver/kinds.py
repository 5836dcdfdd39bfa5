"""The shape of each kind that is served (upstream ``k8s.io/api``), as far as the lab looks at it.

Complete for metadata, Service, EndpointSlice, Event, Namespace and Lease. In nodes, pods and workloads the
top levels are complete; what the lab never reads is left open.
"""

from dataclasses import replace

from k8s.lab.apiserver import resources
from k8s.lab.apiserver.resources import Resource
from k8s.lab.apiserver.schema import (
    ANYTHING,
    BOOLEAN,
    INT_OR_STRING,
    INTEGER,
    QUANTITY,
    STRING,
    STRINGS,
    TIME,
    Array,
    Map,
    Record,
    Type,
)


def _closed(always: str = "", /, **fields: Type) -> Record:
    """A record that is described completely; *always* names the fields that are never left out."""
    return Record(fields=fields, is_open=False, always=tuple(always.split()))


def _atomic(**fields: Type) -> Record:
    """The same, and with one owner for all of it."""
    return Record(fields=fields, is_open=False, is_atomic=True)


def _names(names: str, shape: Type) -> dict[str, Type]:
    return dict.fromkeys(names.split(), shape)


_ONE_MAP = Map(values=STRING, is_atomic=True)
_LIST = Array(items=STRING)
_ANY_LIST = Array(items=ANYTHING)
_QUANTITIES = Map(values=QUANTITY)

METADATA = _closed(
    **_names("name generateName namespace selfLink uid resourceVersion", STRING),
    **_names("creationTimestamp deletionTimestamp", TIME),
    **_names("generation deletionGracePeriodSeconds", INTEGER),
    labels=STRINGS,
    annotations=STRINGS,
    ownerReferences=Array(
        items=_closed(
            **_names("apiVersion kind name uid", STRING), **_names("controller blockOwnerDeletion", BOOLEAN)
        ),
        merge_key="uid",
    ),
    finalizers=Array(items=STRING, merges_as_set=True),
    managedFields=_ANY_LIST,
)

_CONDITIONS = Array(
    items=_closed(
        "type status",
        **_names("type status reason message", STRING),
        **_names("lastTransitionTime lastProbeTime lastHeartbeatTime lastUpdateTime", TIME),
        observedGeneration=INTEGER,
    ),
    merge_key="type",
)

_REFERENCE = _atomic(**_names("kind namespace name uid apiVersion resourceVersion fieldPath", STRING))
_LABEL_SELECTOR = _atomic(
    matchLabels=STRINGS, matchExpressions=Array(items=_closed(key=STRING, operator=STRING, values=_LIST))
)

_SERVICE: dict[str, Type] = {
    "spec": _closed(
        **_names(
            "type clusterIP sessionAffinity loadBalancerIP externalName externalTrafficPolicy ipFamilyPolicy "
            "loadBalancerClass internalTrafficPolicy trafficDistribution",
            STRING,
        ),
        **_names("clusterIPs externalIPs loadBalancerSourceRanges ipFamilies", _LIST),
        **_names("publishNotReadyAddresses allocateLoadBalancerNodePorts", BOOLEAN),
        healthCheckNodePort=INTEGER,
        sessionAffinityConfig=_closed(clientIP=_closed(timeoutSeconds=INTEGER)),
        selector=_ONE_MAP,
        ports=Array(
            items=_closed(
                **_names("name protocol appProtocol", STRING),
                **_names("port nodePort", INTEGER),
                targetPort=INT_OR_STRING,
            ),
            merge_key="port",
            second_key="protocol",
            second_default="TCP",
        ),
    ),
    "status": _closed(
        conditions=_CONDITIONS,
        loadBalancer=_closed(
            ingress=Array(
                items=_closed(
                    **_names("ip hostname ipMode", STRING),
                    ports=Array(items=_closed(port=INTEGER, protocol=STRING, error=STRING)),
                )
            )
        ),
    ),
}

_HINTS = _closed(
    forZones=Array(items=_closed(name=STRING)),
    forNodes=Array(items=_closed(name=STRING)),
)
_ENDPOINT_SLICE: dict[str, Type] = {
    "addressType": STRING,
    "endpoints": Array(
        items=_closed(
            "addresses conditions",
            addresses=_LIST,
            conditions=_closed(ready=BOOLEAN, serving=BOOLEAN, terminating=BOOLEAN),
            **_names("hostname nodeName zone", STRING),
            deprecatedTopology=STRINGS,
            targetRef=_REFERENCE,
            hints=_HINTS,
        )
    ),
    "ports": Array(items=_closed(**_names("name protocol appProtocol", STRING), port=INTEGER)),
}

_EVENT: dict[str, Type] = {
    "involvedObject": _REFERENCE,
    "related": _REFERENCE,
    "source": _closed(component=STRING, host=STRING),
    "series": _closed(count=INTEGER, lastObservedTime=TIME),
    "count": INTEGER,
    **_names("reason message type action reportingComponent reportingInstance", STRING),
    **_names("firstTimestamp lastTimestamp eventTime", TIME),
}

_NAMESPACE: dict[str, Type] = {
    "spec": _closed(finalizers=_LIST),
    "status": _closed(phase=STRING, conditions=_CONDITIONS),
}

_NODE_INFO = (
    "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion "
    "kubeProxyVersion operatingSystem architecture"
)
_NODE: dict[str, Type] = {
    "spec": _closed(
        **_names("podCIDR providerID externalID", STRING),
        podCIDRs=Array(items=STRING, merges_as_set=True),
        unschedulable=BOOLEAN,
        taints=Array(items=_closed(key=STRING, value=STRING, effect=STRING, timeAdded=TIME)),
        configSource=ANYTHING,
    ),
    "status": Record(
        fields={
            **_names("capacity allocatable", _QUANTITIES),
            "phase": STRING,
            "conditions": _CONDITIONS,
            "addresses": Array(items=_closed("type address", type=STRING, address=STRING), merge_key="type"),
            "nodeInfo": Record(fields=_names(_NODE_INFO, STRING), always=tuple(_NODE_INFO.split())),
            "images": _ANY_LIST,
        }
    ),
}

_CONTAINER = Record(
    fields={
        **_names("name image workingDir imagePullPolicy restartPolicy", STRING),
        **_names("terminationMessagePath terminationMessagePolicy", STRING),
        **_names("command args", _LIST),
        **_names("stdin stdinOnce tty", BOOLEAN),
        "ports": Array(
            items=_closed(
                **_names("name protocol hostIP", STRING), **_names("containerPort hostPort", INTEGER)
            ),
            merge_key="containerPort",
            second_key="protocol",
            second_default="TCP",
        ),
        "env": Array(items=_closed(name=STRING, value=STRING, valueFrom=ANYTHING), merge_key="name"),
        "volumeMounts": Array(items=Record(fields={"mountPath": STRING}), merge_key="mountPath"),
        "volumeDevices": Array(items=Record(fields={"devicePath": STRING}), merge_key="devicePath"),
        "resources": Record(fields={"limits": _QUANTITIES, "requests": _QUANTITIES, "claims": _ANY_LIST}),
    }
)
_CONTAINERS = Array(items=_CONTAINER, merge_key="name")
_NAMED = Array(items=Record(fields={"name": STRING}), merge_key="name")
_POD_SPEC = Record(
    fields={
        **_names(
            "nodeName restartPolicy schedulerName serviceAccountName serviceAccount hostname subdomain "
            "dnsPolicy priorityClassName preemptionPolicy runtimeClassName",
            STRING,
        ),
        **_names("hostNetwork hostPID hostIPC shareProcessNamespace", BOOLEAN),
        **_names("automountServiceAccountToken enableServiceLinks", BOOLEAN),
        **_names("terminationGracePeriodSeconds activeDeadlineSeconds priority", INTEGER),
        "nodeSelector": _ONE_MAP,
        **_names("containers initContainers ephemeralContainers", _CONTAINERS),
        **_names("volumes imagePullSecrets", _NAMED),
        "hostAliases": Array(items=Record(fields={"ip": STRING}), merge_key="ip"),
        "topologySpreadConstraints": Array(
            items=Record(
                fields={"topologyKey": STRING, "whenUnsatisfiable": STRING, "labelSelector": _LABEL_SELECTOR}
            ),
            merge_key="topologyKey",
            second_key="whenUnsatisfiable",
        ),
        "tolerations": _ANY_LIST,
        "readinessGates": Array(items=Record(fields={"conditionType": STRING})),
        "overhead": _QUANTITIES,
    }
)
_MOMENTS = _names("startedAt finishedAt", TIME)
_CONTAINER_STATE = Record(
    fields={
        "running": Record(fields=_MOMENTS),
        "waiting": _closed(reason=STRING, message=STRING),
        "terminated": Record(
            fields={
                **_MOMENTS,
                **_names("exitCode signal", INTEGER),
                **_names("reason message containerID", STRING),
            }
        ),
    }
)
_CONTAINER_STATUSES = Array(
    items=Record(
        fields={
            **_names("name image imageID containerID", STRING),
            **_names("ready started", BOOLEAN),
            "restartCount": INTEGER,
            **_names("state lastState", _CONTAINER_STATE),
        },
        always=("name", "ready", "restartCount", "image", "imageID"),
    )
)
_IPS = Array(items=_closed(ip=STRING), merge_key="ip")
_POD: dict[str, Type] = {
    "spec": _POD_SPEC,
    "status": Record(
        fields={
            **_names("phase message reason nominatedNodeName hostIP podIP qosClass", STRING),
            **_names("podIPs hostIPs", _IPS),
            "startTime": TIME,
            "observedGeneration": INTEGER,
            "conditions": _CONDITIONS,
            **_names(
                "containerStatuses initContainerStatuses ephemeralContainerStatuses", _CONTAINER_STATUSES
            ),
        }
    ),
}
_TEMPLATE = Record(fields={"metadata": METADATA, "spec": _POD_SPEC})
_WORKLOAD_STATUS = Record(
    fields=_names(
        "replicas readyReplicas updatedReplicas availableReplicas unavailableReplicas fullyLabeledReplicas "
        "terminatingReplicas observedGeneration collisionCount",
        INTEGER,
    )
    | {"conditions": _CONDITIONS}
)
_WORKLOAD_SPEC = Record(
    fields={
        **_names("replicas minReadySeconds revisionHistoryLimit progressDeadlineSeconds", INTEGER),
        "paused": BOOLEAN,
        "selector": _LABEL_SELECTOR,
        "template": _TEMPLATE,
        "strategy": Record(
            fields={
                "type": STRING,
                "rollingUpdate": _closed(maxSurge=INT_OR_STRING, maxUnavailable=INT_OR_STRING),
            }
        ),
    }
)
_DEPLOYMENT: dict[str, Type] = {"spec": _WORKLOAD_SPEC, "status": _WORKLOAD_STATUS}
_REPLICA_SET: dict[str, Type] = {
    "spec": _WORKLOAD_SPEC,
    "status": replace(_WORKLOAD_STATUS, always=("replicas",)),
}
_LEASE: dict[str, Type] = {
    "spec": _closed(
        **_names("holderIdentity strategy preferredHolder", STRING),
        **_names("leaseDurationSeconds leaseTransitions", INTEGER),
        **_names("acquireTime renewTime", TIME),
    )
}


def _kind(fields: dict[str, Type], always: str = "") -> Record:
    return _closed(always, apiVersion=STRING, kind=STRING, metadata=METADATA, **fields)


SHAPES: dict[Resource, Record] = {
    resources.NAMESPACES: _kind(_NAMESPACE),
    resources.NODES: _kind(_NODE),
    resources.PODS: _kind(_POD),
    resources.SERVICES: _kind(_SERVICE),
    resources.EVENTS: _kind(_EVENT, "involvedObject source reportingComponent reportingInstance"),
    resources.ENDPOINT_SLICES: _kind(_ENDPOINT_SLICE),
    resources.DEPLOYMENTS: _kind(_DEPLOYMENT),
    resources.REPLICA_SETS: _kind(_REPLICA_SET),
    resources.LEASES: _kind(_LEASE),
}
"""The shape of every kind served."""
