"""What the options of a load mean."""

import argparse
from pathlib import Path

import pytest

from k8s.console import Parser
from k8s.errors import UsageError
from loadtest import cli
from loadtest.cli import add_load, target_of
from loadtest.worker.plan import DEFAULT_PAGES
from loadtest.worker.target import Target
from tests.loadtest.certificates import authority


def asked(*words: str) -> Target:
    parser = Parser()
    add_load(parser)
    return target_of(parser.parse_args(words))


def test_without_options_the_client_itself_is_loaded():
    """Nothing is asked for, and requests carry the W3C header."""
    assert asked() == Target()


def test_certificates_are_taken_without_the_key_beside_them(tmp_path: Path):
    """The plan is stored with the run: of a PEM file it gets what is public."""
    made = authority(tmp_path / "ca")
    file = tmp_path / "both.pem"
    file.write_text(f"a remark\n{(made.folder / 'ca.key').read_text()}{made.pem}")
    found = asked("--target", "https://shop.example/", "--target-ca", str(file), "--propagate", "both")
    assert found == Target(url="https://shop.example", ca=made.pem, propagate="both")
    assert "KEY" not in found.ca


BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file"), ("hello", "as PEM"), (BROKEN, "as PEM")]
)
def test_a_file_without_a_certificate_is_refused(tmp_path: Path, content: str | None, told: str):
    """Before anything is started, with the file's name."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=f"--target-ca .*ca.pem: .*{told}"):
        asked("--target", "https://shop.example", "--target-ca", str(file))


@pytest.mark.parametrize("option", [("--target-ca", "x.pem"), ("--target-insecure",)])
def test_options_of_https_are_refused_for_http(option: tuple[str, ...]):
    """They would do nothing."""
    with pytest.raises(UsageError, match=f"{option[0]} is for https"):
        asked("--target", "http://shop.example", *option)


def options(*words: str) -> argparse.Namespace:
    parser = Parser()
    cli.add_load(parser)
    return parser.parse_args(words)


def test_the_store_needs_no_pages():
    """On the lab and on a cluster."""
    assert cli.plan_of(options()).pages == DEFAULT_PAGES
    assert cli.plan_of(options("--platform", "cluster")).pages == DEFAULT_PAGES


def test_another_app_of_the_lab_is_asked_for_its_front_page():
    """The lab's pods answer any path."""
    (page,) = cli.plan_of(options("--client", "shop/frontend")).pages
    assert (page.path, page.method) == ("/", "GET")


def test_another_app_on_a_cluster_needs_pages(tmp_path: Path):
    """The store's would all fail; the line says what to write."""
    there = ("--platform", "cluster", "--client", "shop/frontend")
    with pytest.raises(UsageError, match=r"--client shop/frontend: .* --pages FILE"):
        cli.plan_of(options(*there))
    file = tmp_path / "pages.yaml"
    file.write_text("pages: [{name: front, path: /}]")
    assert cli.plan_of(options(*there, "--pages", str(file))).pages[0].name == "front"


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    """One line."""
    with pytest.raises(UsageError, match=r"reading pages .*none.yaml"):
        cli.plan_of(options("--pages", str(tmp_path / "none.yaml")))


@pytest.mark.parametrize("text", ["0", "17", "-1", "1.5", "two"])
def test_a_number_of_workers_that_cannot_be_is_one_line(text: str):
    """From 1 to 16 a zone."""
    with pytest.raises(UsageError, match=f"--workers: '{text}': give a whole number from 1 to 16"):
        asked("--workers", text)
