"""The program of any workload: answers everything, calls as it is told, and perhaps calls by itself."""

import asyncio
import random
from collections.abc import Callable, Mapping

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from k8s.lab.design.application import AppCall, AppRoute
from k8s.lab.service.calls import CallFailedError, ServiceCalls
from k8s.lab.service.httpd import Reply
from k8s.lab.service.leaf import TRACER_NAME, ask_database
from k8s.lab.service.pacing import keep_doing
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.serving import Call, Route, TracedPages, error_reply, serve_until_told
from k8s.lab.service.tracing import start_tracing
from k8s.topology import ServiceKey

_BAD_GATEWAY = 502
_TEXT = "text/plain;charset=UTF-8"


class ServiceProgram:
    """The handlers of one pod."""

    def __init__(
        self,
        pod: PodSettings,
        callees: Mapping[ServiceKey, ServiceCalls],
        *,
        tracer: Tracer,
        database_tracer: Tracer,
        chance: Callable[[], float],
    ) -> None:
        """*chance* draws from 0 to below 1, for calls that are made by chance."""
        workload = pod.workload
        self._pod = pod
        self._callees = callees
        self._tracer = tracer
        self._database_tracer = database_tracer if workload.database else None
        self._chance = chance
        self._exact = {route.path: self._made(route) for route in workload.routes if "{" not in route.path}
        self._patterns = tuple(
            (route.path.split("/"), self._made(route)) for route in workload.routes if "{" in route.path
        )
        self._exact[workload.readiness_path] = Route(
            template=workload.readiness_path, handler=_healthy, traced=False
        )
        self._any = self._made(AppRoute(path="/*", calls=workload.calls))

    def route(self, path: str) -> Route:
        """The route of a path; the default one for a path that nobody named."""
        found = self._exact.get(path)
        if found is not None:
            return found
        parts = path.split("/")
        return next((route for pattern, route in self._patterns if _fits(pattern, parts)), self._any)

    async def act(self) -> None:
        """The default calls, by itself: below a root span that X-Ray shows as the pod."""
        span = self._tracer.start_span(
            "background",
            context=Context(),
            kind=SpanKind.INTERNAL,
            attributes={"aws.span.kind": "LOCAL_ROOT", "aws.local.service": self._pod.name},
        )
        try:
            await self._make(self._pod.workload.calls, set_span_in_context(span))
        except CallFailedError:
            span.set_status(Status(StatusCode.ERROR))
        finally:
            span.end()

    def _made(self, route: AppRoute) -> Route:
        workload = self._pod.workload
        size = workload.response_bytes if route.response_bytes is None else route.response_bytes
        think_s = workload.think_s if route.think_s is None else route.think_s
        reply = Reply(body=self._body(size), content_type=_TEXT)

        async def handler(call: Call) -> Reply:
            if think_s:
                await asyncio.sleep(think_s)
            if self._database_tracer is not None:
                ask_database(self._database_tracer, call.context, workload.key.name)
            try:
                await self._make(route.calls, call.context)
            except CallFailedError as error:
                return error_reply(_BAD_GATEWAY, str(error))
            return reply

        return Route(template=route.path, handler=handler)

    async def _make(self, calls: tuple[AppCall, ...], context: Context | None) -> None:
        """One call after the other; the first that fails is the last."""
        for call in calls:
            for _ in range(_count(call.times, self._chance)):
                await self._callees[call.to].get(call.path, context)

    def _body(self, size: int) -> bytes:
        line = f"{self._pod.name} in {self._pod.zone}\n".encode()
        return (line * (size // len(line) + 1))[:size]


def _count(times: float, chance: Callable[[], float]) -> int:
    """The whole part always, and one more as often as the rest says."""
    whole = int(times)
    return whole + (times > whole and chance() < times - whole)


def _fits(pattern: list[str], parts: list[str]) -> bool:
    """Whether a path's parts are the pattern's; ``{name}`` is any part but an empty one."""
    return len(pattern) == len(parts) and all(
        bool(part) if wanted.startswith("{") and wanted.endswith("}") else part == wanted
        for wanted, part in zip(pattern, parts, strict=True)
    )


def _healthy(_call: Call) -> Reply:
    return Reply(body=b"OK", content_type="text/plain")


def serve(pod: PodSettings) -> None:
    """Be a pod of its workload until SIGTERM."""
    asyncio.run(_serve(pod))


async def _serve(pod: PodSettings) -> None:
    provider = start_tracing(pod)
    workload = pod.workload
    tracer = provider.get_tracer("service")
    callees = {
        key: ServiceCalls(str(key), url, source_ip=pod.ip, keep_alive=workload.keep_alive, tracer=tracer)
        for key, url in pod.callee_urls
    }
    chance = random.Random().random  # noqa: S311 - how often it calls, no secret
    program = ServiceProgram(
        pod,
        callees,
        tracer=tracer,
        database_tracer=provider.get_tracer(TRACER_NAME),
        chance=chance,
    )
    rate_per_s = workload.rate_per_s

    async def background() -> None:
        await keep_doing(program.act, rate_per_s, first_s=chance() / rate_per_s)

    try:
        await serve_until_told(
            TracedPages(program.route, tracer),
            pod,
            provider,
            any_method=True,
            background=background if rate_per_s else None,
        )
    finally:
        for calls in callees.values():
            calls.close()
