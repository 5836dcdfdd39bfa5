"""What is said before an EKS cluster is made, and what is left after it."""

from datetime import date
from pathlib import Path

from k8s.eks import prices
from k8s.eks.terraform_output import PlannedChange, PlannedCluster


def offer(cluster: PlannedCluster, change: PlannedChange, state: Path, today: date) -> tuple[str, ...]:
    """What a yes would mean."""
    nodes = ", ".join(f"{group.name} {group.size} x {group.instance_type}" for group in cluster.groups)
    return (
        f"cluster   {cluster.name} in {cluster.goods.region}, AWS account {cluster.account}",
        f"nodes     {nodes}",
        f"API       open to {', '.join(cluster.open_to)}"
        if cluster.open_to
        else "API       private: kubectl works from inside its network only",
        (
            f"terraform makes {len(change.made)} resources, changes {len(change.changed)}, removes "
            f"{len(change.removed)}, makes {len(change.replaced)} anew"
        ),
        *(f"  removed: {address}" for address in change.removed),
        *(f"  made anew: {address}" for address in change.replaced),
        *prices.as_text(prices.bill(cluster.goods, today=today), cluster.goods.region),
        f"state     {state}",
    )


def leftovers(name: str, region: str, folder: Path) -> tuple[str, ...]:
    """What neither kubectl nor terraform takes away."""
    return (
        "what destroy leaves, for you to remove:",
        f"  CloudWatch log groups: /aws/eks/{name}/cluster if EKS writes once more, and what others made",
        "  X-Ray traces (30 days), and X-Ray groups and sampling rules that somebody made",
        "  X-Ray's Transaction Search setting of the account: nothing here changes it",
        "  images that you pushed to ECR: nothing here made a repository",
        "  EBS volumes of PersistentVolumeClaims and load balancers of Services or Ingresses: none are",
        "  ours, and a load balancer keeps its network from being removed",
        f"  the KMS key alias/{name}: AWS deletes it after seven days, free of charge",
        f"  the kubeconfig context: kubectl config delete-context {name}",
        f"  terraform's state, settings and logs of this cluster ({region}): {folder}",
    )
