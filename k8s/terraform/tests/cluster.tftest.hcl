# The plan and its validations, with a mocked provider: no account, no network.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  # The provider checks these even when they are mocked.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/mocked" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:mocked" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }
}

variables {
  public_access_cidrs = []
}

run "three_zones_with_a_node_group_each" {
  command = apply

  assert {
    condition     = tolist(output.zones) == tolist(["eu-west-1a", "eu-west-1b", "eu-west-1c"])
    error_message = "Not the region's first three zones."
  }
  assert {
    condition     = toset(keys(aws_eks_node_group.zone)) == toset(output.zones)
    error_message = "Node groups are not one a zone."
  }
  assert {
    condition = alltrue([
      for zone, group in aws_eks_node_group.zone :
      tolist(group.subnet_ids) == tolist([aws_subnet.private[zone].id]) && aws_subnet.private[zone].availability_zone == zone
    ])
    error_message = "A node group is not in the one private subnet of its zone."
  }
  assert {
    condition = length(distinct(concat(
      [for subnet in aws_subnet.private : subnet.cidr_block], [for subnet in aws_subnet.public : subnet.cidr_block]
    ))) == 6
    error_message = "Two subnets share a range."
  }
  assert {
    condition = alltrue([
      for zone, route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id && aws_nat_gateway.this[zone].subnet_id == aws_subnet.public[zone].id
    ])
    error_message = "A zone leaves through another zone's NAT gateway."
  }
  assert {
    condition     = output.cluster_name == "tar-demo-cluster" && aws_eks_cluster.this.version == "1.35"
    error_message = "Not the default name and version."
  }
  assert {
    condition     = strcontains(output.place_env, "zone-3=eu-west-1c") && strcontains(output.place_env, "cluster=tar-demo-cluster")
    error_message = "place_env does not say where the cluster is."
  }
}

run "the_api_is_private_logged_and_encrypted" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The API endpoint is not private."
  }
  assert {
    condition     = aws_eks_cluster.this.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "A control-plane log is missing."
  }
  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    error_message = "Secrets are not encrypted with the cluster's key."
  }
  assert {
    condition     = data.aws_availability_zones.usable.exclude_zone_ids == toset(["use1-az3", "usw1-az2", "cac1-az3"])
    error_message = "Zones that cannot host a control plane are not excluded."
  }
}

run "the_api_opens_to_the_ranges_named_only" {
  command = plan
  variables { public_access_cidrs = ["203.0.113.7/32"] }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.7/32"])
    error_message = "The public endpoint is not limited to the range."
  }
}

run "addons" {
  command = plan
  variables { addon_versions = { adot = "v0.151.0-eksbuild.2", "vpc-cni" = "v1.20.0-eksbuild.1" } }

  assert {
    condition = toset(concat(keys(aws_eks_addon.before_nodes), [
      aws_eks_addon.coredns.addon_name, aws_eks_addon.cert_manager.addon_name, aws_eks_addon.adot.addon_name
    ])) == toset(["vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "cert-manager", "adot"])
    error_message = "Not the six add-ons."
  }
  assert {
    condition     = aws_eks_addon.adot.addon_version == "v0.151.0-eksbuild.2" && aws_eks_addon.before_nodes["vpc-cni"].addon_version == "v1.20.0-eksbuild.1"
    error_message = "A pinned version is not used."
  }
  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "Network policies would do nothing."
  }
}

run "the_collector_writes_to_xray_and_no_more" {
  command = plan

  assert {
    condition = toset(jsondecode(aws_iam_role_policy.collector.policy).Statement[0].Action) == toset([
      "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"
    ]) && length(jsondecode(aws_iam_role_policy.collector.policy).Statement) == 1
    error_message = "Not exactly the write actions."
  }
  assert {
    condition = (
      jsondecode(aws_iam_role.collector.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com"
      && toset(jsondecode(aws_iam_role.collector.assume_role_policy).Statement[0].Action) == toset(["sts:AssumeRole", "sts:TagSession"])
    )
    error_message = "Pod Identity cannot assume the role."
  }
  assert {
    condition     = aws_eks_pod_identity_association.collector.namespace == "observability" && aws_eks_pod_identity_association.collector.service_account == "collector"
    error_message = "Not the service account of the manifests."
  }
}

run "the_analysis_reads_from_xray_and_aws_spans_and_no_more" {
  command = plan

  assert {
    condition = toset(jsondecode(aws_iam_policy.analysis.policy).Statement[0].Action) == toset([
      "xray:GetServiceGraph", "xray:GetTraceGraph", "xray:GetTraceSummaries", "xray:BatchGetTraces", "xray:GetTimeSeriesServiceStatistics",
      "xray:GetGroup", "xray:GetGroups", "xray:GetTraceSegmentDestination", "xray:GetIndexingRules"
    ]) && length(jsondecode(aws_iam_policy.analysis.policy).Statement) == 3
    error_message = "Not exactly the read actions."
  }
  assert {
    condition = (
      toset(jsondecode(aws_iam_policy.analysis.policy).Statement[1].Action) == toset(["logs:StartQuery", "logs:GetQueryResults"])
      && jsondecode(aws_iam_policy.analysis.policy).Statement[1].Resource == "arn:aws:logs:eu-west-1:111122223333:log-group:aws/spans:*"
      && jsondecode(aws_iam_policy.analysis.policy).Statement[2].Action == ["logs:StopQuery"]
    )
    error_message = "Not exactly the queries, on exactly the spans' log group."
  }
}

run "cpu_can_be_skewed" {
  command = plan
  variables {
    node_defaults = { size = 2 }
    nodes_by_zone = { "eu-west-1a" = { size = 5, instance_type = "m6i.2xlarge" }, "eu-west-1c" = { size = 0 } }
  }

  assert {
    condition     = tolist([for zone in local.zones : aws_eks_node_group.zone[zone].scaling_config[0].desired_size]) == tolist([5, 2, 0])
    error_message = "Not the sizes asked for."
  }
  assert {
    condition     = aws_eks_node_group.zone["eu-west-1a"].instance_types[0] == "m6i.2xlarge" && aws_eks_node_group.zone["eu-west-1b"].instance_types[0] == "m6i.xlarge"
    error_message = "Not the types asked for."
  }
  assert {
    condition     = aws_eks_node_group.zone["eu-west-1c"].scaling_config[0].max_size == 1
    error_message = "EKS refuses a maximum of 0."
  }
}

run "one_nat_gateway_on_request" {
  command = plan
  variables { single_nat_gateway = true }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "Not one NAT gateway with a route from every zone."
  }
}

run "access_entries" {
  command = plan
  variables {
    admin_principal_arns   = ["arn:aws:iam::111122223333:role/platform"]
    harness_principal_arns = ["arn:aws:iam::111122223333:role/tester"]
  }

  assert {
    condition     = one(values(aws_eks_access_policy_association.admin)).policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    error_message = "The admin is none."
  }
  assert {
    condition     = one(values(aws_eks_access_entry.harness)).kubernetes_groups == toset(["samezone-harness"])
    error_message = "The tester is not in the manifests' group."
  }
}
