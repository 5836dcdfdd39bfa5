output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "cluster_endpoint" {
  description = "URL of the API server: how a kubeconfig context is known to be this cluster's."
  value       = aws_eks_cluster.this.endpoint
}

output "region" {
  description = "Region of the cluster, and of its traces."
  value       = var.region
}

output "zones" {
  description = "The three zones, in the order of zone-1 to zone-3 of the manifests."
  value       = local.zones
}

output "nodes" {
  description = "What was asked for in each zone: number of nodes and their type."
  value       = local.nodes
}

output "kubeconfig_command" {
  description = "Writes the cluster into your kubeconfig, as a context with the cluster's name."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${aws_eks_cluster.this.name} --alias ${aws_eks_cluster.this.name}"
}

output "api_is_public" {
  description = "Whether the API endpoint can be reached from outside the VPC, by public_access_cidrs."
  value       = length(var.public_access_cidrs) > 0
}

output "collector_role_arn" {
  description = "Role that the collector's service account has by Pod Identity."
  value       = aws_iam_role.collector.arn
}

output "collector_service_account" {
  description = "The service account bound to it, as namespace/name."
  value       = "${var.collector_namespace}/${var.collector_service_account}"
}

output "analysis_policy_arn" {
  description = "Policy to attach to whoever runs the analysis."
  value       = aws_iam_policy.analysis.arn
}

output "analysis_policy_json" {
  description = "The same policy as a document, for an account where policies are made elsewhere."
  value       = local.xray_read_policy
}

output "flow_log_group" {
  description = "Log group of the VPC flow logs: bytes by address and zone."
  value       = aws_cloudwatch_log_group.flow.name
}

output "place_env" {
  description = "Content for k8s/manifests/place/place.env."
  value = join("\n", concat(
    ["region=${var.region}", "cluster=${var.cluster_name}"],
    [for index, zone in local.zones : "zone-${index + 1}=${zone}"],
  ))
}
