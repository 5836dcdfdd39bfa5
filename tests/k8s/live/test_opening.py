"""Which cluster is opened, with connections that only know their name."""

from pathlib import Path

import pytest
from kubernetes import client

from k8s.errors import UsageError
from k8s.live.cluster import LiveCluster
from k8s.live.opening import ClusterChoice, open_cluster


def connect(kubeconfig: Path | None, context: str | None) -> LiveCluster:
    """The current context is ``current``; nothing is sent."""
    del kubeconfig
    return LiveCluster(client.ApiClient(client.Configuration()), context=context or "current")


@pytest.mark.parametrize(
    ("choice", "changing", "opened"),
    [
        (ClusterChoice(), False, "current"),
        (ClusterChoice(context="other"), False, "other"),
        (ClusterChoice(), True, "current"),
        (ClusterChoice(context="current"), True, "current"),
        (ClusterChoice(context="samezone-lab", is_lab=True), True, "samezone-lab"),
    ],
)
def test_the_context_that_is_named_or_current(choice: ClusterChoice, changing: bool, opened: str):
    """To look at, any; to change, the current one; the lab is ours."""
    assert open_cluster(choice, changing=changing, connect=connect).context == opened


def test_another_context_is_not_changed():
    """A person changes what kubectl shows them."""
    with pytest.raises(UsageError, match="the current context is current, not other, so nothing was changed"):
        open_cluster(ClusterChoice(context="other"), changing=True, connect=connect)
