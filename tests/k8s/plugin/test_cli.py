"""``kubectl samezone``: found by a real kubectl on PATH, and what it takes for granted."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from k8s.console import Io
from k8s.plugin.cli import parser, run
from tests.k8s.doctor.test_fuzz import healthy


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(healthy()))
    return path


def said(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return run(list(words), Io(out=out, err=out)), out.getvalue()


def test_without_a_name_all_services(saved: Path) -> None:
    """A person at kubectl who names nothing means all of them."""
    code, text = said("doctor", "--from", str(saved))

    assert code in (0, 4)
    assert text.startswith("1 Services with endpoints in ")


def test_a_namespace_and_a_name(saved: Path) -> None:
    """-n and the name, as kubectl takes them."""
    assert said("doctor", "-n", "shop", "shop", "--from", str(saved)) == said(
        "doctor", "shop/shop", "--from", str(saved)
    )
    named = said("doctor", "--service", "shop/shop", "--from", str(saved))
    assert named == said("doctor", "shop/shop", "--from", str(saved))
    assert "mode" in said("predict", "-n", "shop", "shop", "--from", str(saved))[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("doctor", "shop"),
            "SERVICE 'shop' is not NAMESPACE/NAME, e.g. catalog/catalog (or give -n NAMESPACE)",
        ),
        (("doctor", "shop/shpo"), "not in FILE; there is shop/shop"),
        (("doctor", "web/shop"), "not in FILE; there is shop/shop"),
        (("predict", "shop/shpo"), "not in FILE; there is shop/shop"),
        (
            ("doctor", "shop/shop", "--client", "front/frnt"),
            "no pod or workload of that name in FILE; there is ",
        ),
        (("doctor", "--mode", "tar"), "doctor: --client and --mode need a SERVICE; name it as NS/NAME"),
        (("doctor", "--client", "front/front"), "--client and --mode need a SERVICE"),
        (("doctor", "--service", "shop/shpo"), "not in FILE; there is shop/shop"),
        (("predict", "-n", "web", "shop/shop"), "shop/shop is not in the namespace of -n web"),
        (("nothing",), "there is no verb 'nothing'; there are doctor, predict"),
    ],
)
def test_complaints(saved: Path, words: tuple[str, ...], message: str) -> None:
    """One line that begins with the command, names what is near, and exit code 2."""
    code, text = said(*words, "--from", str(saved))

    assert code == 2
    assert text.startswith("kubectl samezone: ")
    assert message in text.replace(str(saved), "FILE")


def test_the_current_context_is_meant() -> None:
    """Not the lab: kubectl's users are on their cluster."""
    assert parser().parse_args(["doctor"]).platform == "cluster"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on PATH")
def test_kubectl_finds_it(saved: Path, tmp_path: Path) -> None:
    """The real kubectl hands its words on to the program of that name."""
    program = tmp_path / "kubectl-samezone"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m k8s.plugin.cli "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(
        ["kubectl", "samezone", "doctor", "shop/shop", "--from", str(saved)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )

    assert done.returncode in (0, 4), done.stderr
    assert done.stdout.startswith("Service shop/shop in ")
