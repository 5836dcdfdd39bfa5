"""Terraform over one cluster's folder: settings, state, plan and logs lie together, apart from the module.

``-state`` and ``TF_DATA_DIR`` keep clusters apart: with one state a second name would replace the first one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from k8s.effects import Say
from k8s.eks import terraform_output
from k8s.eks.programs import Done, Programs
from k8s.eks.terraform_output import Outputs
from k8s.errors import UnreachableError, UsageError
from k8s.model.objects import Raw

MODULE: Final = Path(__file__).parents[1] / "terraform"
MIRROR: Final = "TF_PLUGIN_MIRROR"
"""A folder with the AWS provider, where the registry is not reached (``terraform init -plugin-dir``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Where one cluster's files are."""

    path: Path

    @property
    def state(self) -> Path:
        """Terraform's state: without it Terraform does not know what to destroy."""
        return self.path / "terraform.tfstate"

    @property
    def settings(self) -> Path:
        """The variables in force."""
        return self.path / "settings.tfvars.json"

    @property
    def plan(self) -> Path:
        """The plan that waits for a yes."""
        return self.path / "next.plan"

    def log(self, command: str) -> Path:
        """Everything that the last such command said."""
        return self.path / f"{command}.log"

    def given(self) -> tuple[Path, ...]:
        """Copy of the user's own variable file in force; Terraform tells the formats apart by the name."""
        return tuple(sorted(self.path.glob("given.tfvars*")))

    def read_settings(self) -> Raw:
        """The variables in force; empty when there are none yet."""
        try:
            return dict(json.loads(self.settings.read_text()))
        except FileNotFoundError:
            return {}

    def has_resources(self) -> bool:
        """Whether the state names anything."""
        try:
            return bool(json.loads(self.state.read_text()).get("resources"))
        except FileNotFoundError:
            return False
        except ValueError:
            raise UsageError(
                f"terraform state {self.state} is not readable: restore {self.state}.backup"
            ) from None


class Terraform:
    """The module, applied to one cluster's folder."""

    def __init__(self, programs: Programs, folder: Folder, say: Say) -> None:
        self._programs = programs
        self._folder = folder
        self._say = say

    def init(self) -> None:
        """Fetch the provider, where it is not there yet."""
        mirror = self._programs.setting(MIRROR)
        self._run("init", "-input=false", "-no-color", *([f"-plugin-dir={mirror}"] if mirror else []))

    def plan(self, settings: Path, given: tuple[Path, ...], *, destroy: bool = False) -> Raw:
        """What would change, and keep it for ``apply``; shape: ``terraform show -json``."""
        self._folder.plan.unlink(missing_ok=True)
        self._run(
            "plan",
            "-json",
            "-input=false",
            f"-state={self._folder.state}",
            f"-out={self._folder.plan}",
            *(f"-var-file={path}" for path in (*given, settings)),
            *(["-destroy"] if destroy else []),
        )
        shown = self._ask("show", "-json", str(self._folder.plan))
        return dict(json.loads(shown.out))

    def apply(self) -> None:
        """Do what was planned."""
        self._run("apply", "-json", "-input=false", f"-state={self._folder.state}", str(self._folder.plan))
        self._folder.plan.unlink(missing_ok=True)

    def outputs(self) -> Outputs:
        """The outputs as the state has them."""
        return terraform_output.outputs(self._ask("output", "-json", f"-state={self._folder.state}").out)

    def _environment(self) -> Mapping[str, str]:
        return {
            "TF_DATA_DIR": str(self._folder.path / "terraform-data"),
            "TF_IN_AUTOMATION": "1",
            "TF_WORKSPACE": "default",  # -state means the default workspace's only
            "CHECKPOINT_DISABLE": "1",
        }

    def _run(self, command: str, *arguments: str) -> None:
        log = self._folder.log(command)
        log.unlink(missing_ok=True)
        code = self._programs.follow(
            "terraform",
            [f"-chdir={MODULE}", command, *arguments],
            env=self._environment(),
            log=log,
            on_line=self._show,
            on_interrupt=lambda: self._say(
                "passed on to terraform: it finishes what it began and keeps its state"
            ),
        )
        if code != 0:
            reason = terraform_output.last_error(log.read_text(errors="replace"))
            hint = f"; where the registry is not reached, name the provider's folder in {MIRROR}"
            raise UnreachableError(
                f"terraform {command}: {reason} (full log: {log}){hint if command == 'init' else ''}"
            )

    def _ask(self, command: str, *arguments: str) -> Done:
        done = self._programs.run(
            "terraform", f"-chdir={MODULE}", command, *arguments, env=self._environment()
        )
        if done.code != 0:
            raise UnreachableError(
                f"terraform {command}: {terraform_output.last_error(done.err or done.out)}"
            )
        return done

    def _show(self, line: str) -> None:
        shown = terraform_output.progress(line)
        if shown is not None:
            self._say(shown)
