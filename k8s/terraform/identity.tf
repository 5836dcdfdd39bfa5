# Who may do what in AWS: the control plane, the nodes, the collector (writes to X-Ray), the analysis (reads it).

locals {
  # AWSXRayDaemonWriteAccess has the same five.
  xray_write_actions = [
    "xray:GetSamplingRules",
    "xray:GetSamplingStatisticSummaries",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
  ]
  # AWSXrayReadOnlyAccess lacks GetTraceSegmentDestination and GetIndexingRules.
  xray_read_actions = [
    "xray:BatchGetTraces",
    "xray:GetGroup",
    "xray:GetGroups",
    "xray:GetIndexingRules",
    "xray:GetServiceGraph",
    "xray:GetTimeSeriesServiceStatistics",
    "xray:GetTraceGraph",
    "xray:GetTraceSegmentDestination",
    "xray:GetTraceSummaries",
  ]
  # Of CloudWatch Logs, the queries to the log group in which Transaction Search keeps spans, and no other group.
  spans_log_group    = "arn:${data.aws_partition.current.partition}:logs:${var.region}:${data.aws_caller_identity.current.account_id}:log-group:aws/spans:*"
  spans_read_actions = ["logs:GetQueryResults", "logs:StartQuery"]
  # StopQuery takes no resource but "*": a group's ARN there would never match.
  spans_stop_actions = ["logs:StopQuery"]
  # X-Ray knows resources for groups and sampling rules only; everything else takes "*".
  xray_write_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "WriteTraces", Effect = "Allow", Action = local.xray_write_actions, Resource = "*" }]
  })
  xray_read_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "ReadTraces", Effect = "Allow", Action = local.xray_read_actions, Resource = "*" },
      { Sid = "AskSpans", Effect = "Allow", Action = local.spans_read_actions, Resource = local.spans_log_group },
      { Sid = "EndQueries", Effect = "Allow", Action = local.spans_stop_actions, Resource = "*" },
    ]
  })
  managed_policy = "arn:${data.aws_partition.current.partition}:iam::aws:policy"
}

resource "aws_iam_role" "cluster" {
  name = "${var.cluster_name}-control-plane"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "eks.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "${local.managed_policy}/AmazonEKSClusterPolicy"
}

resource "aws_iam_role_policy" "cluster_key" {
  name = "encrypt-secrets"
  role = aws_iam_role.cluster.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
      Resource = aws_kms_key.this.arn
    }]
  })
}

resource "aws_iam_role" "node" {
  name = "${var.cluster_name}-node"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

# No X-Ray rights here: any pod on the node's network would have them.
resource "aws_iam_role_policy_attachment" "node" {
  for_each   = toset(["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"])
  role       = aws_iam_role.node.name
  policy_arn = "${local.managed_policy}/${each.key}"
}

resource "aws_iam_role" "collector" {
  name = "${var.cluster_name}-collector"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "collector" {
  name   = "write-traces"
  role   = aws_iam_role.collector.id
  policy = local.xray_write_policy
}

resource "aws_eks_pod_identity_association" "collector" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = var.collector_namespace
  service_account = var.collector_service_account
  role_arn        = aws_iam_role.collector.arn
  depends_on      = [aws_eks_addon.before_nodes]
}

# Not attached to anybody here: attach it to whoever runs the analysis.
resource "aws_iam_policy" "analysis" {
  name        = "${var.cluster_name}-analysis"
  description = "What samezone reads from X-Ray, and nothing else"
  policy      = local.xray_read_policy
}
