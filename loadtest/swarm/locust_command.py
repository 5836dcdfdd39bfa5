"""How a Locust process of ours is started, and what it finds in a user's own locustfile."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from k8s.errors import UsageError
from loadtest.worker.own_file import CHECK, PATH, Description

_LOCUSTFILE: Final = Path(__file__).parents[1] / "worker" / "locustfile.py"
LOCUST: Final = (sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE))
"""The command that every process of a swarm begins with."""
_CHECK_S: Final = 60.0
_CONFLICT: Final = "conflicting option string"


def locust_environment(locustfile: Path | None) -> dict[str, str]:
    """The environment of a Locust process; *locustfile* has users of the user's own."""
    # A user's own LOCUST_* settings are for other swarms.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")}
    for name in (PATH, CHECK):
        inherited.pop(name, None)
    search = [str(_LOCUSTFILE.parents[2]), inherited.get("PYTHONPATH", "")]
    own = {} if locustfile is None else {PATH: str(locustfile.absolute())}
    return inherited | {"PYTHONPATH": os.pathsep.join(filter(None, search))} | own


def describe(locustfile: Path) -> Description:
    """Have a Locust process load *locustfile* and say what is in it; it starts no user.

    UsageError, with file and line where there is one, for a file that cannot be loaded or has no user class.
    """
    doing = f"loading --locustfile {locustfile}"
    if not locustfile.is_file():
        raise UsageError(f"{doing}: there is no such file")
    if locustfile.suffix != ".py":
        raise UsageError(f"{doing}: give a file whose name ends in .py")
    with tempfile.TemporaryDirectory(prefix="samezone-") as empty:
        try:
            done = subprocess.run(
                [*LOCUST, "--list"],
                env=locust_environment(locustfile) | {CHECK: "1"},
                cwd=empty,  # Locust reads locust.conf and pyproject.toml where it starts
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_CHECK_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{doing}: it is not loaded after {_CHECK_S:g} s; what it does at its top level must end"
            ) from None
    lines = done.stdout.decode(errors="replace").splitlines()
    told = [line.removeprefix(CHECK) for line in lines if line.startswith(CHECK)]
    said = done.stderr.decode(errors="replace").splitlines()
    if not told:
        raise UsageError(f"{doing}: Locust ended with code {done.returncode}: {_last(said)}")
    found = msgspec.convert(json.loads(told[-1]), Description)
    if found.problem:
        raise UsageError(f"{doing}: {found.problem}")
    for line in said:
        if _CONFLICT in line:
            option = line.partition(_CONFLICT)[2].strip(" :")
            raise UsageError(f"{doing}: samezone or Locust has its option {option} already; rename it")
    return found


def _last(lines: list[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]
