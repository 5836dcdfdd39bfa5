"""Which source a command reads: X-Ray, a Prometheus, or aws/spans; of AWS, the lab or the cluster."""

import argparse
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from analysis.source.choice import SourceChoice, SourceKind
from analysis.source.interface import CountUnit, Source
from analysis.source.prometheus.profile_file import profile_named
from analysis.source.prometheus.profiles import BUILT_IN
from analysis.source.prometheus.prometheus_client import TIMEOUT_S as PROMETHEUS_TIMEOUT_S
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from analysis.source.prometheus.prometheus_source import PrometheusSource
from analysis.source.spans.logs_insights import LogsInsights
from analysis.source.spans.spans_source import SpansSource
from analysis.source.xray.client import XRay
from analysis.source.xray.xray_source import XRaySource
from k8s.cli import service_key
from k8s.commandline.quantities import lower, some_seconds
from k8s.console import Io, Parser
from k8s.errors import UnreachableError, UsageError
from k8s.lab import state as lab_state
from k8s.live.cluster import LiveCluster, connect
from k8s.live.forward import Forward
from k8s.model import objects
from k8s.topology import ServiceKey
from loadtest.record import Place

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_XRAY"
LOGS_ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"
PASSWORD_VARIABLE: Final = "PROMETHEUS_PASSWORD"  # noqa: S105 - its name
TOKEN_VARIABLE: Final = "PROMETHEUS_TOKEN"  # noqa: S105 - its name


INTERVALS_S: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""At which stores usually scrape: what is seen of it varies, and the loads of two arms have to be alike."""


def add_options(parser: Parser) -> None:
    """Options that name a source."""
    into = parser.section("how calls are counted")
    into.add_argument(
        "--source",
        type=lower,
        choices=[one.value for one in SourceKind],
        help="default: X-Ray, or the spans of aws/spans where Transaction Search is on",
    )
    into.add_argument(
        "--xray-endpoint", metavar="URL", help=f"default: {ENDPOINT_VARIABLE}, or the lab's X-Ray, or AWS"
    )
    into.add_argument(
        "--xray-service", type=service_key, metavar="NS/NAME", help="a stand-in of X-Ray in the cluster"
    )
    into.add_argument("--region", metavar="NAME", help="AWS region; default: the cluster's")
    into = parser.section("if a Prometheus counts them")
    into.add_argument(
        "--prometheus", metavar="URL", help="address of its API, or of one like it; default: the lab's"
    )
    into.add_argument(
        "--profile",
        metavar="NAME|FILE",
        help=f"who made its series: {', '.join(BUILT_IN)}, or a file of yours",
    )
    into.add_argument(
        "--prometheus-user",
        metavar="NAME",
        help=f"the password is read from {PASSWORD_VARIABLE}, a token from {TOKEN_VARIABLE}",
    )
    into.add_argument("--prometheus-org", metavar="ID", help="tenant, sent as X-Scope-OrgID")
    into.add_argument("--prometheus-ca", metavar="FILE", help="certificates to trust, as PEM")
    into.add_argument(
        "--prometheus-sigv4-region", metavar="REGION", help="sign requests, as Amazon's Prometheus wants it"
    )
    into.add_argument(
        "--prometheus-timeout-s",
        type=some_seconds,
        metavar="TIME",
        help=f"how long one answer may take; default: {PROMETHEUS_TIMEOUT_S:g}s",
    )


def choice_of(args: argparse.Namespace) -> SourceChoice:
    """What the options name; files by absolute paths, so that they are found again from any folder."""
    profile, ca = args.profile, args.prometheus_ca
    if profile is not None and Path(profile).is_file():
        profile = str(Path(profile).absolute())
    return SourceChoice(
        source=None if args.source is None else SourceKind(args.source),
        region=args.region,
        xray_endpoint=args.xray_endpoint,
        xray_service=args.xray_service,
        prometheus=args.prometheus,
        profile=profile,
        prometheus_user=args.prometheus_user,
        prometheus_org=args.prometheus_org,
        prometheus_ca=None if ca is None else str(Path(ca).absolute()),
        prometheus_sigv4_region=args.prometheus_sigv4_region,
        prometheus_timeout_s=args.prometheus_timeout_s,
    )


def opener_of(
    args: argparse.Namespace, io: Io, *, kept: SourceChoice | None = None, is_judged: bool = False
) -> "SourceOpener":
    """For a command with the options of a source; *kept* is what a run was made with.

    *is_judged*: a verdict is to rest on what is counted.
    """
    choice = choice_of(args)
    if choice.profile is not None:
        profile_named(choice.profile)  # before anything is done that it could stop only later
    return SourceOpener(
        choice=choice if kept is None else choice.over(kept),
        io=io,
        kubeconfig=getattr(args, "kubeconfig", None),
        is_judged=is_judged,
    )


@dataclass(slots=True, kw_only=True)
class SourceOpener:
    """Opens the source that a choice names; of one command all windows are read from the same one."""

    choice: SourceChoice
    io: Io
    kubeconfig: Path | None = None
    is_judged: bool = False
    openers: "Mapping[SourceKind, Opener]" = field(default_factory=lambda: OPENERS)
    settled: SourceChoice | None = None

    def settle(self, place: Place) -> SourceChoice:
        """The choice with its source named; where nobody named one, which it is and why is said, once."""
        if self.settled is None:
            told = self.choice.told()
            kind, why = (told[0], "") if told is not None else self._offered(place)
            opener = self.openers.get(kind)
            if opener is None:
                raise UsageError(f"--source {kind}: it is not known here; update samezone")
            completed = opener.complete(self, replace(self.choice, source=kind), place)
            if kind is SourceKind.SPANS and why:
                self.io.say(f"calls are counted by {opener.title(completed)}, since {why}")
            elif why:
                self.io.detail(f"calls are counted by {opener.title(completed)}, since {why}")
            self.settled = completed
        return self.settled

    def __call__(self, place: Place) -> AbstractContextManager[Source]:
        """The source, open as long as the context lasts."""
        choice = self.settle(place)
        assert choice.source is not None, "a settled choice names its source"  # noqa: S101 - for the types
        return self.openers[choice.source].open(self, choice, place)

    def quiet_s(self, place: Place) -> float:
        """How long it has to be quiet around a load for the source to tell it apart; 0: no need.

        Counters are read at the scrapes beside the window, which is asked for in whole seconds.
        """
        choice = self.settle(place)
        if choice.source is not SourceKind.PROMETHEUS:
            return 0.0
        lab = lab_state.load(self.io.lab_dir) if place.platform == "lab" else None
        if lab is not None and lab.prometheus_url == choice.prometheus:
            found = lab.settings.prometheus_scrape_s
        else:
            with self(place) as source:
                found = source.interval_s() if isinstance(source, PrometheusSource) else None
        usual = next((one for one in INTERVALS_S if found is not None and one >= found * 0.9), None)
        return 0.0 if usual is None else 1.1 * usual + 1.5

    def endpoint(self, place: Place) -> str | None:
        """X-Ray's address; None: AWS itself."""
        endpoint = self.choice.xray_endpoint or self.io.environment.get(ENDPOINT_VARIABLE)
        if endpoint is None and place.platform == "lab":
            endpoint = lab_state.load(self.io.lab_dir).xray_url
        return endpoint

    def xray(self, place: Place) -> XRay:
        """X-Ray's client, for a place whose X-Ray has an address of its own."""
        region = self.choice.region or place.region or None
        return XRay(
            region=region, endpoint_url=self.endpoint(place), dummy_credentials=place.platform == "lab"
        )

    def _offered(self, place: Place) -> tuple[SourceKind, str]:
        """What the place offers where nobody named a source, and why it is that one."""
        try:
            destination = self.xray(place).destination()
        except UnreachableError:
            return SourceKind.XRAY, ""  # reading it says what is wrong
        if destination.is_search and SourceKind.SPANS in self.openers:
            return SourceKind.SPANS, "Transaction Search is on"
        return SourceKind.XRAY, "segments go there, and no --source is given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """How one kind of source is opened."""

    open: Callable[[SourceOpener, SourceChoice, Place], AbstractContextManager[Source]]
    title: Callable[[SourceChoice], str]
    complete: Callable[[SourceOpener, SourceChoice, Place], SourceChoice] = lambda _, choice, __: choice
    """The choice with what the place adds to it; UsageError where something is missing."""


@contextmanager
def _xray(opener: SourceOpener, choice: SourceChoice, place: Place) -> Iterator[Source]:
    """The X-Ray that holds the traces of *place*; a port-forward to it lasts as long as the context."""
    key = choice.xray_service
    if key is not None and place.platform != "lab":
        region = choice.region or place.region or "us-east-1"
        cluster = connect(opener.kubeconfig, place.context)
        with Forward(lambda: _dial(cluster, key)) as forward:
            yield XRaySource(XRay(region=region, endpoint_url=forward.url, dummy_credentials=True))
        return
    yield XRaySource(opener.xray(place))


@contextmanager
def _prometheus(opener: SourceOpener, choice: SourceChoice, place: Place) -> Iterator[Source]:
    """The store that counts, asked as whom the options and the environment say."""
    del place
    environment = opener.io.environment
    access = PrometheusAccess(
        url=choice.prometheus or "",
        user=choice.prometheus_user or "",
        password=environment.get(PASSWORD_VARIABLE, "") if choice.prometheus_user else "",
        token=environment.get(TOKEN_VARIABLE, ""),
        sigv4_region=choice.prometheus_sigv4_region or "",
        org=choice.prometheus_org or "",
        ca_file=choice.prometheus_ca or "",
        timeout_s=choice.prometheus_timeout_s or PROMETHEUS_TIMEOUT_S,
    )
    yield PrometheusSource(open_prometheus(access), profile_named(choice.profile or ""))


def _prometheus_of(opener: SourceOpener, choice: SourceChoice, place: Place) -> SourceChoice:
    """Address and profile of the lab's own, where none are given."""
    if place.platform == "lab" and choice.prometheus is None:
        url = lab_state.load(opener.io.lab_dir).prometheus_url
        if url is None:
            raise UsageError(
                "--source prometheus: the lab runs none, so give --prometheus URL, or: samezone lab down && "
                "samezone lab up --prometheus"
            )
        choice = replace(choice, prometheus=url, profile=choice.profile or LAB_PROFILE)
    if choice.prometheus is None:
        raise UsageError("--source prometheus: give --prometheus URL, e.g. http://127.0.0.1:9090")
    if choice.profile is None:
        raise UsageError(f"--prometheus: give --profile, one of {', '.join(BUILT_IN)}, or a file of yours")
    unit = profile_named(choice.profile).unit
    if opener.is_judged and unit is CountUnit.BYTES:
        raise UsageError(
            f"--profile {choice.profile}: it counts bytes, whose share has no interval, so no verdict can "
            "rest on it; look only (samezone observe), or take a profile of connections or requests"
        )
    return choice


@contextmanager
def _spans(opener: SourceOpener, choice: SourceChoice, place: Place) -> Iterator[Source]:
    """CloudWatch Logs of the place; a stand-in of X-Ray answers for it at the same address."""
    key = choice.xray_service
    if key is not None and place.platform != "lab":
        region = choice.region or place.region or "us-east-1"
        cluster = connect(opener.kubeconfig, place.context)
        with Forward(lambda: _dial(cluster, key)) as forward:
            logs = LogsInsights(region=region, endpoint_url=forward.url, dummy_credentials=True)
            yield SpansSource(logs, say=opener.io.say)
        return
    endpoint = opener.io.environment.get(LOGS_ENDPOINT_VARIABLE) or opener.endpoint(place)
    logs = LogsInsights(
        region=choice.region or place.region or None,
        endpoint_url=endpoint,
        dummy_credentials=place.platform == "lab",
    )
    yield SpansSource(logs, say=opener.io.say)


LAB_PROFILE: Final = "ztunnel"
"""What the lab's relays count like."""
OPENERS: Final[Mapping[SourceKind, Opener]] = {
    SourceKind.XRAY: Opener(open=_xray, title=lambda _: "X-Ray"),
    SourceKind.PROMETHEUS: Opener(
        open=_prometheus,
        title=lambda choice: f"Prometheus at {choice.prometheus}, profile {choice.profile}",
        complete=_prometheus_of,
    ),
    SourceKind.SPANS: Opener(open=_spans, title=lambda _: "aws/spans"),
}


def _dial(cluster: LiveCluster, key: ServiceKey) -> socket.socket:
    """A stream to a ready pod behind a Service."""
    service = cluster.service(key)
    selector = ",".join(f"{name}={value}" for name, value in service.selector)
    path = f"/api/v1/namespaces/{key.namespace}/pods"
    target = service.ports[0].target_port
    for raw in cluster.raw_items(path, {"labelSelector": selector}):
        pod = objects.pod(raw)
        if pod.ready and not pod.terminating:
            port = dict(objects.container_ports(raw)).get(target, target)
            return cluster.stream(key.namespace, str(pod.name), int(port))
    raise UnreachableError(f"reaching Service {key}: no pod of it is ready; see: kubectl get pods -A")
