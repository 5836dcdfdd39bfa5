"""What a Service had is on the disk before it is changed, and read back whatever wrote it."""

import json
from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.live.originals import Originals, decoded, encoded
from k8s.routing.modes import RoutingSettings
from k8s.routing.restoring import Original, possible
from k8s.topology import ServiceKey

KEY = ServiceKey(namespace="catalog", name="catalog")
PLAIN = RoutingSettings()
TAR = RoutingSettings(topology_mode="Auto")
RECORD = Original(had=PLAIN, ours=(PLAIN, TAR), run="1700000000-tar", since_s=1700000000.25)
ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/tar-demo-cluster"


def test_a_record_is_read_back_and_replaced_as_a_whole(tmp_path: Path):
    """Nothing but the record is left in the folder."""
    originals = Originals(tmp_path / "new" / "originals")

    originals.remember("c", KEY, Original(had=TAR))
    originals.remember("c", KEY, RECORD)

    assert originals.recall("c", KEY) == RECORD
    assert len(list((tmp_path / "new" / "originals").iterdir())) == 1
    assert decoded(encoded(RECORD)) == RECORD


def test_contexts_and_services_are_kept_apart(tmp_path: Path):
    """EKS context names are ARNs with slashes and colons; they are files all the same, each its own."""
    originals = Originals(tmp_path)

    originals.remember(ARN, KEY, RECORD)

    assert originals.recall(ARN, KEY) == RECORD
    assert originals.recall("other", KEY) is None
    assert originals.recall(ARN.replace(":", "-").replace("/", "-"), KEY) is None
    originals.forget_all("other")
    assert originals.recall(ARN, KEY) == RECORD
    originals.forget(ARN, KEY)
    assert originals.recall(ARN, KEY) is None


def test_what_an_earlier_version_wrote_is_still_read(tmp_path: Path):
    """The knobs alone, under the name it gave the file: what its changes can have set is ours."""
    originals = Originals(tmp_path)
    early = {"topology_mode": None, "topology_aware_hints": None, "traffic_distribution": "PreferClose"}
    name = "arn-aws-eks-eu-west-1-123456789012-cluster-tar-demo-cluster__catalog__catalog.json"
    (tmp_path / name).write_text(json.dumps(early, indent=1) + "\n")
    found = originals.recall(ARN, KEY)

    had = RoutingSettings(traffic_distribution="PreferClose")
    assert found == Original(had=had, ours=possible(had))
    originals.forget(ARN, KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"surprise": 1}', '{"had": 1}', '{"had', "", "[]", '{"topology_mode": 1}'])
def test_a_broken_record_is_one_line(tmp_path: Path, text: str):
    """It names its file, and nothing is made up in its place."""
    originals = Originals(tmp_path)
    originals.remember("c", KEY, RECORD)
    (path,) = tmp_path.iterdir()
    path.write_text(text)

    with pytest.raises(UsageError, match=r"recorded settings of Service catalog/catalog in .*json") as caught:
        originals.recall("c", KEY)

    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path):
    """Before anything is changed, with what to do."""
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match=r"without that record nothing is changed; make the folder writable"):
        Originals(tmp_path / "file" / "originals").remember("c", KEY, RECORD)
