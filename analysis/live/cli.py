"""``samezone web``: Locust's web UI with the workers of all zones, and a Zones tab with live numbers."""

import argparse
from pathlib import Path
from typing import Final

import k8s.cli
import loadtest.cli
from analysis.live.eyes import Eyes, EyesSetting
from analysis.source import cli as source_cli
from k8s.console import Io, Parser, Verbs, path, verb
from k8s.effects import Talk, steady
from k8s.errors import ExitCode, UsageError
from k8s.live.switching import RoutingSession
from loadtest.record import Asked
from loadtest.swarm.locust_command import describe
from loadtest.swarm.platforms import Platform
from loadtest.swarm.targets import default_url
from loadtest.webui.buttons import ModeButtons
from loadtest.webui.serving import WebRequest, serve
from loadtest.webui.ui_runs import RunsSetting, UiRuns
from loadtest.webui.zones import ZonesTab
from loadtest.worker.plan import LoadPlan
from loadtest.worker.target import Target
from loadtest.worker.typed_json import encode

WEB_PORT: Final = 8089
WHY_NOT: Final = (
    "On a cluster the mode is not changed from here, unless samezone web is started with --allow-mode-changes"
)


def add(verbs: "Verbs[Parser]") -> None:
    """The verb."""
    web = verb(
        verbs,
        "web",
        web_command,
        summary="Locust's web UI with workers in every zone.",
        description="The Locust web UI with the workers of all zones. Its Zones tab shows which calls stay "
        "in their zone now; each load that is started there leaves a run folder.",
    )
    web.add_argument(
        "--web-port", type=int, default=WEB_PORT, metavar="PORT", help="of this machine; 0: any free one"
    )
    k8s.cli.add_place(web)
    web.add_argument(
        "--client", type=k8s.cli.service_key, default="ui/ui", metavar="NS/NAME", help="who calls the Service"
    )
    web.add_argument("--runs", type=path, default=Path("runs"), help="folder of the run folders")
    web.add_argument(
        "--allow-mode-changes",
        action="store_true",
        help="on a cluster, too: the tab's buttons set routing modes and put them back",
    )
    web.add_argument(
        "--web-login",
        action="store_true",
        help="on the lab: people log in first, as your --locustfile sets it up",
    )
    loadtest.cli.add_locustfile(web)
    loadtest.cli.add_recycle(web)
    source_cli.add_options(web)


def web_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone web``: runs until Ctrl-C."""
    if args.web_login:
        _require_login(args)
    if args.locustfile is not None:
        describe(args.locustfile)
    request = WebRequest(
        client=args.client, port=args.web_port, logs=io.require_home("logs", "originals") / "logs" / "web"
    )
    platform = loadtest.cli.platform_of(args, io)
    if args.platform == "cluster":
        # The form is the master's, which its Deployment started for whichever client that names.
        target = Target(url=default_url(platform.cluster.service(args.client)), service=args.client.name)
        io.say(f"to load {args.client}, put this into the form's field target: {encode(target).decode()}")
    buttons = _buttons(args, io)
    tab = _tab(args, io, platform, buttons)
    serve(platform, request, beside=tab, clock=io.clock, sleep=io.sleep, say=io.say)
    return ExitCode.DONE


def _require_login(args: argparse.Namespace) -> None:
    """Locust leaves to a locustfile who may log in; UsageError where that cannot be set up from here."""
    if args.platform == "cluster":
        raise UsageError(
            "--web-login: on a cluster the master's pod says whether people log in; put "
            "LOCUST_WEB_LOGIN=true into Secret samezone-web of namespace locust (k8s/manifests/README.md)"
        )
    if args.locustfile is None:
        raise UsageError(
            "--web-login: Locust leaves to a locustfile who may log in and how; give it by --locustfile FILE"
        )


def _buttons(args: argparse.Namespace, io: Io) -> ModeButtons | None:
    """None where the mode may not be changed; for a cluster a person is asked once, before all else."""
    if args.platform == "cluster" and not args.allow_mode_changes:
        return None
    cluster = k8s.cli.open_cluster(args, io, changing=True)
    if args.platform == "cluster":
        lines = (
            "whoever reaches this web UI may change a cluster:",
            f"context  {cluster.context} (API server {cluster.server})",
            f"Service  {args.service}: any routing mode until the web UI ends; then what it had",
        )
        io.agree(lines, yes=args.yes)
    session = RoutingSession(
        cluster=cluster,
        holds=k8s.cli.holds_of(args, io),
        talk=Talk(say=io.say, agree=lambda _: None),
    )
    return ModeButtons(session, args.service, clock=io.clock, monotonic=io.monotonic)


def _tab(args: argparse.Namespace, io: Io, platform: Platform, buttons: ModeButtons | None) -> ZonesTab:
    opener = source_cli.opener_of(args, io)
    place = platform.place()
    asked = Asked(mode="off", service=args.service, client=args.client, plan=LoadPlan())
    runs = RunsSetting(
        platform=platform,
        place=place,
        asked=asked,
        runs=args.runs,
        counting=opener.settle(place).options(),
        versions=loadtest.cli.versions(),
        clock=io.clock,
        monotonic=io.monotonic,
        say=io.say,
    )
    eyes = EyesSetting(
        cluster=k8s.cli.open_cluster(args, io),
        open_source=opener,
        place=place,
        service=args.service,
        client=args.client,
        namespaces=asked.namespaces,
        clock=steady(io.clock, io.monotonic),
    )
    return ZonesTab(
        eyes=Eyes(eyes),
        runs=UiRuns(runs),
        buttons=buttons,
        why_not="" if buttons is not None else WHY_NOT,
        clock=io.clock,
        say=io.say,
    )
