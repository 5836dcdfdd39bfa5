"""Pages of one's own on a real lab: what is sent, what is refused, and what of a secret is left."""

import json

import pytest

from tests.lab.conftest import Lab

pytestmark = pytest.mark.lab

LEFT_NOWHERE = "lab-5ecret-0451"
PAGES = """
pages:
- name: catalog
  path: /catalog
  headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}
- name: product
  path: /catalog/{id}
  headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}
  weight: 2
  from: {page: catalog, regex: 'href="/catalog/(p[\\w-]*|[0-9a-f-]{30,})"'}
- name: login
  method: POST
  path: /login
  body: {user: me, password: "${env:SHOP_TOKEN}"}
  status: STATUS
"""
LOAD = ("--rate", "30", "--users", "6", "--duration", "4", "--warmup", "1")


def test_own_pages_are_measured_and_their_secret_is_nowhere(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """Wrong key and missing variable: one line, nothing changed; then a run, and X-Ray's count of it."""
    file = lab.folder / "pages.yaml"
    file.write_text(PAGES.replace("STATUS", "[200, 404, 405]").replace("  weight: 2", "  wait: 2"))
    before = set(lab.folder.glob("runs/*"))
    odd = lab.samezone("run", "tar", "--pages", "pages.yaml", *LOAD)
    file.write_text(PAGES.replace("STATUS", "[200, 404, 405]"))
    unset = lab.samezone("run", "tar", "--pages", "pages.yaml", *LOAD)
    assert (odd.returncode, unset.returncode) == (2, 2)
    assert "pages.yaml:9: pages[1].wait: unknown key; known are name, path" in odd.stderr
    assert "not set in the load generators' environment: SHOP_TOKEN" in unset.stderr
    assert len(odd.stderr.splitlines()) == len(unset.stderr.splitlines()) == 1
    assert set(lab.folder.glob("runs/*")) == before
    assert not lab.annotations()

    monkeypatch.setenv("SHOP_TOKEN", LEFT_NOWHERE)
    done = lab.samezone("run", "off", "--pages", "pages.yaml", "--arm", "own", *LOAD)
    assert done.returncode == 0, done.stderr
    collected = lab.samezone("collect", done.stdout.strip())
    assert collected.returncode in (0, 1), collected.stderr

    record = json.loads((lab.folder / done.stdout.strip() / "record.json").read_text())
    workers = record["seen"]["measured"]["workers"]
    pages = {page["page"] for worker in workers for page in worker["pages"]}
    assert pages == {"catalog", "product", "login"}
    assert sum(worker["requests"] for worker in workers) > 60
    assert sum(worker["failures"] for worker in workers) == 0
    left = [path for path in lab.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(left) > 20
    assert [path for path in left if LEFT_NOWHERE.encode() in path.read_bytes()] == []
    assert LEFT_NOWHERE not in done.stdout + done.stderr + collected.stdout + collected.stderr
