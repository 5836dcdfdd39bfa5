terraform {
  # 1.9: a variable's validation may look at other values.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ project = "samezone", cluster = var.cluster_name }, var.tags)
  }
}
