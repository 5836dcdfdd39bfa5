"""Other people's programs: terraform, kubectl and aws, found on PATH and run."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from k8s.errors import ExitCode, SamezoneError, UsageError

WHERE_FROM: Final[Mapping[str, str]] = {
    "terraform": "install Terraform 1.9 or newer: https://developer.hashicorp.com/terraform/install",
    "kubectl": "install kubectl: https://kubernetes.io/docs/tasks/tools/",
    "aws": "install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
}
_POLL_S: Final = 0.2


class StoppedHalfwayError(SamezoneError):
    """Ctrl-C while a program changed something: what it began it finished, the rest is not done."""

    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The last line it said, for a message."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}, and it said nothing"


class Programs:
    """Runs programs with one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def setting(self, name: str) -> str | None:
        """An environment variable; None when it is unset or empty."""
        return self._environment.get(name) or None

    def find(self, name: str) -> str | None:
        """Where a program is; None: it is not on PATH."""
        return shutil.which(name, path=self._environment.get("PATH", ""))

    def require(self, name: str, doing: str) -> None:
        """UsageError that says what to install, unless the program is there."""
        if self.find(name) is None:
            advice = WHERE_FROM.get(
                name, f"kubectl needs it for your kubeconfig's credentials: install {name}"
            )
            raise UsageError(f"{doing}: {name} is not on PATH; {advice}")

    def run(
        self,
        name: str,
        *arguments: str,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        is_apart: bool = False,
    ) -> Done:
        """A command to its end, whatever its exit code; 127 when the program is missing.

        *is_apart* gives it a process group of its own: a terminal's Ctrl-C does not reach it.
        """
        program = self.find(name)
        if program is None:
            return Done(code=127, out="", err=f"{name} is not on PATH")
        done = subprocess.run(
            [program, *arguments],
            env={**self._environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            process_group=0 if is_apart else None,
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def follow(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None],
        on_interrupt: Callable[[], None],
    ) -> int:
        """A command that takes long: it writes into *log*, *on_line* hears each line; returns the exit code.

        It has a process group of its own, so that Ctrl-C in a terminal reaches it once and from here only: a
        second one would make Terraform drop its state. It writes into the file by itself, so that it goes on
        when this process is killed. After Ctrl-C it is awaited, then StoppedHalfwayError is raised.
        """
        program = self.find(name)
        if program is None:
            raise UsageError(f"{name} is not on PATH; {WHERE_FROM[name]}")
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [program, *arguments],
                env={**self._environment, **env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        tail = _Tail(log, on_line)
        try:
            _await(process, tail)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            on_interrupt()
            _await(process, tail)
            raise StoppedHalfwayError(f"interrupted; {name} ended by itself, its log is {log}") from None
        return process.returncode


class _Tail:
    """Hands on the lines that a growing file gets."""

    def __init__(self, path: Path, on_line: Callable[[str], None]) -> None:
        self._path = path
        self._on_line = on_line
        self._position = 0

    def read(self) -> None:
        with self._path.open("rb") as grown:
            grown.seek(self._position)
            for line in grown:
                if line.endswith(b"\n"):
                    self._position += len(line)
                    self._on_line(line.decode(errors="replace").rstrip("\n"))


def _await(process: subprocess.Popen[bytes], tail: _Tail) -> None:
    ended = False
    while not ended:
        try:
            process.wait(_POLL_S)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        tail.read()
