# Order: what makes a node ready, nodes, what needs nodes to become healthy, cert-manager, adot.

locals {
  addon_names = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "cert-manager", "adot"]
}

# DaemonSets: healthy without nodes. The manifests' network policies do nothing unless vpc-cni enforces them.
resource "aws_eks_addon" "before_nodes" {
  for_each = {
    "vpc-cni"                = jsonencode({ enableNetworkPolicy = "true" })
    "kube-proxy"             = null
    "eks-pod-identity-agent" = null
  }
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = lookup(var.addon_versions, each.key, null)
  configuration_values        = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "coredns" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "coredns"
  addon_version               = lookup(var.addon_versions, "coredns", null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on                  = [aws_eks_node_group.zone]
}

resource "aws_eks_addon" "cert_manager" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "cert-manager"
  addon_version               = lookup(var.addon_versions, "cert-manager", null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on                  = [aws_eks_addon.coredns]
}

# The operator's webhooks have certificates by cert-manager.
resource "aws_eks_addon" "adot" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "adot"
  addon_version               = lookup(var.addon_versions, "adot", null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on                  = [aws_eks_addon.cert_manager]
}
