variable "cluster_name" {
  description = "Name of the cluster; everything else is named after it."
  type        = string
  default     = "tar-demo-cluster"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}$", var.cluster_name))
    error_message = "A lower-case letter, then at most 38 lower-case letters, digits and hyphens: role names are made of it."
  }
}

variable "region" {
  description = "AWS region. It must offer three zones that can host a control plane."
  type        = string
  default     = "eu-west-1"
}

variable "zones" {
  description = "The three availability zones, by name. Null takes the region's first three that can host a control plane."
  type        = list(string)
  default     = null

  validation {
    condition     = var.zones == null ? true : length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "Name exactly three different zones: the manifests place one set of pods in each of three."
  }
}

variable "vpc_cidr" {
  description = "IPv4 range of the VPC. Three private subnets take a quarter each, three public ones a sixty-fourth each of the last quarter."
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.vpc_cidr)[1]), 99) <= 20
    error_message = "An IPv4 range between /16 and /20: smaller leaves too few addresses for pods, larger is refused by AWS."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones instead of one a zone. Cheaper by the hour, but two zones then reach the internet, X-Ray included, through the third: that is cross-zone traffic itself, billed as such."
  type        = bool
  default     = false
}

variable "kubernetes_version" {
  description = "Kubernetes version. From 1.35 a pod carries its zone as a label, which the Locust workers read; before, take the overlay per-zone-older."
  type        = string
  default     = "1.35"

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version)) && try(tonumber(split(".", var.kubernetes_version)[1]), 0) >= 33
    error_message = "Kubernetes 1.33 or newer, written as \"1.35\"."
  }
}

variable "support_type" {
  description = "STANDARD: EKS upgrades the cluster when its version's standard support ends. EXTENDED: it stays, for a higher hourly price; versions past standard support can only be created so."
  type        = string
  default     = "STANDARD"

  validation {
    condition     = contains(["STANDARD", "EXTENDED"], var.support_type)
    error_message = "STANDARD or EXTENDED."
  }
}

variable "public_access_cidrs" {
  description = "Who may reach the API endpoint from outside the VPC, as IPv4 ranges of at most 4096 addresses, say [\"203.0.113.7/32\"]. An empty list keeps the endpoint private: kubectl then works from inside the VPC only. There is no default: say which."
  type        = list(string)
  nullable    = false

  validation {
    # The length of the prefix, and not only 0.0.0.0/0, because two halves make a whole.
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]), 0) >= 20])
    error_message = "IPv4 ranges of /20 or narrower; 0.0.0.0/0 would open the API to everybody. [] keeps it private."
  }
}

variable "node_defaults" {
  description = "What each zone's node group is, unless nodes_by_zone says otherwise. Two nodes a zone hold every overlay, and tell PreferSameNode from PreferSameZone. A size of 0 leaves a zone without nodes."
  type = object({
    size          = optional(number, 2)
    instance_type = optional(string, "m6i.xlarge")
    ami_type      = optional(string, "AL2023_x86_64_STANDARD")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.node_defaults.size >= 0 && floor(var.node_defaults.size) == var.node_defaults.size
    error_message = "The size is a whole number, 0 or more."
  }
}

variable "nodes_by_zone" {
  description = "By zone name, what differs there. Topology Aware Routing gives zones their share by CPU, so uneven sizes or types show what skew does to it. Arm types need ami_type = \"AL2023_ARM_64_STANDARD\"."
  type = map(object({
    size          = optional(number)
    instance_type = optional(string)
    ami_type      = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.nodes_by_zone), local.zones)) == 0
    error_message = "A key is not one of the cluster's zones: ${join(", ", local.zones)}."
  }

  validation {
    condition     = alltrue([for one in values(var.nodes_by_zone) : coalesce(one.size, 0) >= 0 && floor(coalesce(one.size, 0)) == coalesce(one.size, 0)])
    error_message = "A size is a whole number, 0 or more."
  }
}

variable "addon_versions" {
  description = "Versions of EKS add-ons by name, say { adot = \"v0.151.0-eksbuild.2\" }. Those left out take the default that EKS has for the Kubernetes version; adot lags behind new ones."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.addon_versions), local.addon_names)) == 0
    error_message = "The add-ons here are ${join(", ", local.addon_names)}."
  }
}

variable "collector_namespace" {
  description = "Namespace of the collector's service account, as in the manifests."
  type        = string
  default     = "observability"
}

variable "collector_service_account" {
  description = "Service account that may write to X-Ray, as in the manifests."
  type        = string
  default     = "collector"
}

variable "admin_principal_arns" {
  description = "IAM roles or users with cluster-admin rights besides whoever applies this: EKS makes that one's entry, and a second for the same principal is refused."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.admin_principal_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "ARNs of IAM roles or users; for an assumed role name the role, not the session."
  }
}

variable "harness_principal_arns" {
  description = "IAM roles or users that run samezone with no more than its own rights: the Kubernetes group samezone-harness."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.harness_principal_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", arn))])
    error_message = "ARNs of IAM roles or users; for an assumed role name the role, not the session."
  }

  validation {
    condition     = length(setintersection(var.harness_principal_arns, var.admin_principal_arns)) == 0
    error_message = "A principal has one access entry: an admin needs no entry for the harness."
  }
}

variable "log_retention_days" {
  description = "Days that control-plane and flow logs are kept."
  type        = number
  default     = 14
}

variable "tags" {
  description = "Tags on everything, besides project and cluster."
  type        = map(string)
  default     = {}
  nullable    = false
}
