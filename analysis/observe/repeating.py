"""The commands that an observation advises, each with the options that reach what it looked at (pure)."""

import shlex

from analysis.observe.observed import Observation, ObservedPair, Scope
from k8s.topology import ServiceKey

FILES = "files"
WATCH_FOR = "10m"


def watching(scope: Scope, reach: tuple[str, ...]) -> str:
    """The same look, from now on for a while."""
    which = [word for one in scope.namespaces for word in ("-n", one)]
    which += [word for one in scope.services for word in ("--service", str(one))]
    return shlex.join(["samezone", "observe", "--for", WATCH_FOR, *which, *reach])


def measuring(found: Observation, pair: ObservedPair) -> str:
    """The command that shows what a mode does to *pair*, under the traffic that was seen.

    Nobody may be able to drive load through its caller, a job for instance. Empty where the caller's
    namespace is not known: nothing could be typed for it.
    """
    client = client_of(pair)
    if client is None:
        return ""
    # Observations of older versions do not say how they were reached.
    reach = found.reach or (("--platform", "cluster") if found.platform == "cluster" else ())
    who = ("--service", str(pair.outlook.service), "--client", str(client))
    modes = ("--arms", f"off,{pair.outlook.best}", "--traffic", "live")
    return shlex.join(["samezone", "experiment", *who, *modes, *reach])


def client_of(pair: ObservedPair) -> ServiceKey | None:
    """The caller as ``--client`` takes it; None where its namespace is not known."""
    if not pair.client_namespaces:
        return None
    return ServiceKey(namespace=pair.client_namespaces[0], name=pair.result.client.rpartition("/")[2])
