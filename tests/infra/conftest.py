"""Terraform and the tools that check what it makes: each in a place of its own, kept in pytest's cache."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

REPO = Path(__file__).parents[2]
TERRAFORM = REPO / "k8s" / "terraform"
DROPPED = ("AWS_", "TF_")
CHECKOV = "checkov==3.3.30"


def unavailable(why: str) -> NoReturn:
    """Skips, but not in continuous integration: there a missing tool would mean that nobody checks."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a folder against other test processes: pip and Terraform's plug-in cache bear one at a time."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clean_environment() -> dict[str, str]:
    """Ours without what names an account or changes Terraform.

    A folder with the provider stays: TF_PLUGIN_MIRROR. Without one Terraform looks into its implied
    mirrors by itself (developer.hashicorp.com/terraform/cli/config/config-file), then asks the registry.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(DROPPED)}
    mirror = os.environ.get("TF_PLUGIN_MIRROR")
    return (
        kept
        | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "AWS_EC2_METADATA_DISABLED": "true"}
        | ({"TF_PLUGIN_MIRROR": mirror} if mirror else {})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """Terraform in one folder, with an environment that knows no account."""

    program: str
    folder: Path
    env: Mapping[str, str]

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end, whatever its exit code."""
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Standard output of a command that has to succeed."""
        done = self.run(*arguments, env=env)
        assert done.returncode == 0, (
            f"terraform {' '.join(arguments)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        )
        return done.stdout


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Terraform:
    """An initialised copy of the module: the tree stays without .terraform, lock and state."""
    program = shutil.which("terraform")
    if program is None:
        unavailable("terraform is not installed")
    folder = tmp_path_factory.mktemp("terraform") / "module"
    shutil.copytree(TERRAFORM, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars"))
    env = clean_environment()
    mirror = env.get("TF_PLUGIN_MIRROR")
    cache = Path(pytestconfig.cache.mkdir("terraform"))
    if mirror is None:
        env["TF_PLUGIN_CACHE_DIR"] = str(cache)
    found = Terraform(program=program, folder=folder, env=env)
    with alone(cache):
        done = found.run(
            "init",
            "-backend=false",
            "-input=false",
            *([f"-plugin-dir={mirror}"] if mirror is not None else []),
        )
    if done.returncode != 0:
        unavailable(f"terraform init failed, set TF_PLUGIN_MIRROR where there is no network:\n{done.stderr}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Python tools that do not go together with the project's own packages: each has a venv."""

    cache: Path

    def venv(self, *requirements: str) -> Path:
        """The ``bin`` folder of a venv with these pinned requirements, made when it is not there yet."""
        home = self.cache / "+".join(requirements).replace("[", "-").replace("]", "")
        with alone(self.cache):
            if (home / "ready").exists():
                return home / "bin"
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            done = subprocess.run(
                [str(home / "bin" / "pip"), "install", "--quiet", *requirements],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                unavailable(f"cannot install {' '.join(requirements)}:\n{done.stderr[-2000:]}")
            (home / "ready").touch()
        return home / "bin"


@pytest.fixture(scope="session")
def tools(pytestconfig: pytest.Config) -> Tools:
    """Venvs for foreign tools, kept in pytest's cache."""
    return Tools(cache=Path(pytestconfig.cache.mkdir("tools")))


def run_checkov(program: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Checkov's opinion of a folder: ``program`` is ``tools.venv(CHECKOV) / "checkov"``."""
    return subprocess.run(
        [str(program), "--directory", str(folder), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
