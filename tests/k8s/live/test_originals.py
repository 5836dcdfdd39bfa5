"""What a Service had is remembered once, and forgotten when it is back."""

from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingSettings
from k8s.topology import ServiceKey

KEY = ServiceKey(namespace="catalog", name="catalog")
PLAIN = RoutingSettings()
TAR = RoutingSettings(topology_mode="Auto")


def test_the_first_original_wins(tmp_path: Path):
    """A second mode on top of a first does not forget what the user had."""
    originals = Originals(tmp_path)

    news = [originals.remember("c", KEY, PLAIN), originals.remember("c", KEY, TAR)]

    assert news == [True, False]
    assert originals.recall("c", KEY) == PLAIN


def test_contexts_and_services_are_kept_apart(tmp_path: Path):
    """EKS context names are ARNs with slashes and colons; they are files all the same."""
    originals = Originals(tmp_path)
    arn = "arn:aws:eks:eu-west-1:123456789012:cluster/tar-demo-cluster"

    originals.remember(arn, KEY, TAR)

    assert originals.recall(arn, KEY) == TAR
    assert originals.recall("other", KEY) is None
    originals.forget_all("other")
    assert originals.recall(arn, KEY) == TAR
    originals.forget(arn, KEY)
    assert originals.recall(arn, KEY) is None


def test_a_broken_record_is_one_line(tmp_path: Path):
    """A record that cannot be read names its file."""
    originals = Originals(tmp_path)
    originals.remember("c", KEY, PLAIN)
    (path,) = tmp_path.iterdir()
    path.write_text('{"surprise": 1}')

    with pytest.raises(UsageError, match=r"recorded settings of Service catalog/catalog in .*json"):
        originals.recall("c", KEY)
