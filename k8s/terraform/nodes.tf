# One managed node group a zone, each with one subnet: a group over all zones would let its Auto Scaling group
# decide where nodes are, and the zones' CPU is what Topology Aware Routing goes by.

locals {
  nodes = { for zone in local.zones : zone => {
    size          = coalesce(try(var.nodes_by_zone[zone].size, null), var.node_defaults.size)
    instance_type = coalesce(try(var.nodes_by_zone[zone].instance_type, null), var.node_defaults.instance_type)
    ami_type      = coalesce(try(var.nodes_by_zone[zone].ami_type, null), var.node_defaults.ami_type)
  } }
}

resource "aws_launch_template" "node" {
  name                   = "${var.cluster_name}-node"
  update_default_version = true

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # One hop: pods cannot take the node's credentials, they have Pod Identity.
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = 40
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"]) # the provider's default tags do not reach what the template makes
    content {
      resource_type = tag_specifications.key
      tags          = merge({ project = "samezone", cluster = var.cluster_name, Name = "${var.cluster_name}-node" }, var.tags)
    }
  }
}

resource "aws_eks_node_group" "zone" {
  for_each        = local.nodes
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "zone-${each.key}"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [aws_subnet.private[each.key].id]
  instance_types  = [each.value.instance_type]
  ami_type        = each.value.ami_type
  capacity_type   = "ON_DEMAND" # a spot node that goes away in the middle of a run spoils it

  # Fixed: an experiment needs the CPU it asked for, and no autoscaler is installed. EKS wants a maximum of 1 at least.
  scaling_config {
    min_size     = each.value.size
    desired_size = each.value.size
    max_size     = max(1, each.value.size)
  }

  update_config {
    max_unavailable = 1
  }

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  # A node without a network plug-in never becomes ready; without a route out it never joins.
  depends_on = [
    aws_eks_addon.before_nodes,
    aws_iam_role_policy_attachment.node,
    aws_route.nat,
    aws_route_table_association.private,
  ]
}
