"""A cluster made, filled and taken away by requests, without a command line; the programs are stand-ins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from k8s.effects import Talk
from k8s.eks import session
from k8s.eks.lifecycle import ClusterRequest
from k8s.eks.programs import Programs
from k8s.eks.session import DeployRequest, DestroyRequest, EksSession
from k8s.errors import UsageError
from tests.infra.standins import NAME, SERVER, Standins, path_with

pytestmark = pytest.mark.infra


@dataclass
class Person:
    """Hears everything; agrees, or not."""

    agrees: bool = True
    heard: list[str] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def agree(self, lines: Sequence[str]) -> None:
        self.asked.append(tuple(lines))
        if not self.agrees:
            raise UsageError("not agreed, so nothing was changed")


@pytest.fixture
def there(tmp_path: Path) -> Standins:
    standins = Standins(folder=tmp_path, kubectl=path_with("kubectl"))
    standins.install("terraform", "kubectl", "aws")
    standins.usual()
    return standins


def session_of(there: Standins, person: Person) -> EksSession:
    return EksSession(
        clusters=there.folder / "home" / "clusters",
        programs=Programs(there.environment()),
        talk=Talk(say=person.heard.append, agree=person.agree),
        clock=lambda: 1_795_400_000.0,
        monotonic=lambda: sum(there.waits),
        sleep=there.waits.append,
    )


def test_a_cluster_from_its_making_to_its_end(there: Standins):
    """Four requests, each agreed to once; the last leaves word of what it does not take away."""
    person = Person()
    eks = session_of(there, person)

    session.create(eks, ClusterRequest(name=NAME, region="eu-west-1", cidrs=("203.0.113.7/32",)))
    session.deploy(eks, DeployRequest(name=NAME, overlay="simple", timeout_s=20.0))
    shown = session.pods(eks, None)
    session.undeploy(eks, NAME)
    session.destroy(eks, DestroyRequest(name=NAME))

    assert len(person.asked) == 4
    assert (shown.cluster.context, shown.cluster.server) == (NAME, SERVER)
    assert shown.lines == ("no pod of ours; run: make deploy",)
    assert [verb for verb in there.verbs() if verb.startswith("terraform apply")] == ["terraform apply"] * 2
    assert f"the cluster costs money until: make destroy CONTEXT={NAME}" in person.heard
    assert person.heard[-1] == f"cluster {NAME} is gone; what it leaves is listed above"


def test_a_cluster_that_was_not_made_here_needs_a_place(there: Standins):
    """Neither kubectl nor terraform is run before that is known."""
    eks = session_of(there, Person())

    with pytest.raises(
        UsageError, match=r"terraform knows no cluster other .*; for a cluster that was not made"
    ):
        session.deploy(eks, DeployRequest(name="other", overlay="simple", timeout_s=20.0))

    assert there.verbs() == []


def test_who_does_not_agree_keeps_the_cluster(there: Standins):
    """What it would leave is said, nothing is applied."""
    there.made()
    person = Person(agrees=False)

    with pytest.raises(UsageError, match="not agreed"):
        session.destroy(session_of(there, person), DestroyRequest(name=NAME))

    assert person.heard[0] == "what destroy leaves, for you to remove:"
    assert "terraform apply" not in there.verbs()
