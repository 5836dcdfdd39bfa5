# What is refused before anything is made.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
}

variables {
  public_access_cidrs = []
}

run "an_old_kubernetes_version" {
  command = plan
  variables { kubernetes_version = "1.32" }
  expect_failures = [var.kubernetes_version]
}

run "two_zones" {
  command = plan
  variables { zones = ["eu-west-1a", "eu-west-1b"] }
  expect_failures = [var.zones]
}

run "a_zone_that_the_region_lacks" {
  command = plan
  variables { zones = ["eu-west-1a", "eu-west-1b", "us-east-1a"] }
  expect_failures = [aws_vpc.this]
}

run "an_api_open_to_everybody" {
  command = plan
  variables { public_access_cidrs = ["0.0.0.0/0"] }
  expect_failures = [var.public_access_cidrs]
}

run "an_api_open_to_everybody_in_two_halves" {
  command = plan
  variables { public_access_cidrs = ["0.0.0.0/1", "128.0.0.0/1"] }
  expect_failures = [var.public_access_cidrs]
}

run "nodes_in_a_zone_that_is_none_of_ours" {
  command = plan
  variables { nodes_by_zone = { "eu-west-1d" = { size = 2 } } }
  expect_failures = [var.nodes_by_zone]
}

run "half_a_node" {
  command = plan
  variables { node_defaults = { size = 1.5 } }
  expect_failures = [var.node_defaults]
}

run "an_unknown_addon" {
  command = plan
  variables { addon_versions = { "adott" = "v0.151.0-eksbuild.2" } }
  expect_failures = [var.addon_versions]
}

run "a_session_instead_of_a_role" {
  command = plan
  variables { admin_principal_arns = ["arn:aws:sts::111122223333:assumed-role/platform/me"] }
  expect_failures = [var.admin_principal_arns]
}

run "a_principal_with_two_entries" {
  command = plan
  variables {
    admin_principal_arns   = ["arn:aws:iam::111122223333:role/platform"]
    harness_principal_arns = ["arn:aws:iam::111122223333:role/platform"]
  }
  expect_failures = [var.harness_principal_arns]
}

run "a_vpc_that_is_too_small" {
  command = plan
  variables { vpc_cidr = "10.0.0.0/24" }
  expect_failures = [var.vpc_cidr]
}
