"""A cluster to try it on: EKS by Terraform, or kind on this machine."""
