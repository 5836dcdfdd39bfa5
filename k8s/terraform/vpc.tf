# Three zones, each with a private subnet for nodes and a public one for its NAT gateway.

data "aws_availability_zones" "usable" {
  state = "available"
  # These zones cannot host an EKS control plane.
  exclude_zone_ids = ["use1-az3", "usw1-az2", "cac1-az3"]

  filter {
    name   = "opt-in-status" # no local and wavelength zones
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = var.zones != null ? var.zones : slice(
    data.aws_availability_zones.usable.names, 0, min(3, length(data.aws_availability_zones.usable.names))
  )
  zone_index = { for index, zone in local.zones : zone => index }
  nat_zones  = var.single_nat_gateway ? slice(local.zones, 0, 1) : local.zones
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # EKS needs both
  tags                 = { Name = var.cluster_name }

  lifecycle {
    precondition {
      condition     = length(local.zones) == 3
      error_message = "${var.region} offers ${length(local.zones)} usable zones, three are needed: take another region."
    }
    precondition {
      condition     = length(setsubtract(local.zones, data.aws_availability_zones.usable.names)) == 0
      error_message = "A zone of var.zones is not usable in ${var.region}; usable are ${join(", ", data.aws_availability_zones.usable.names)}."
    }
  }
}

# Nothing may use the group that AWS makes by itself: taken over, it has no rules.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "private" {
  for_each          = local.zone_index
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 2, each.value)
  tags = {
    Name                              = "${var.cluster_name}-private-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  }
}

resource "aws_subnet" "public" {
  for_each          = local.zone_index
  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 6, 48 + each.value)
  tags = {
    Name                     = "${var.cluster_name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.cluster_name }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.cluster_name}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each       = local.zone_index
  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public.id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)
  domain   = "vpc"
  tags     = { Name = "${var.cluster_name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each      = toset(local.nat_zones)
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id
  tags          = { Name = "${var.cluster_name}-${each.key}" }
  depends_on    = [aws_route.internet]
}

resource "aws_route_table" "private" {
  for_each = local.zone_index
  vpc_id   = aws_vpc.this.id
  tags     = { Name = "${var.cluster_name}-private-${each.key}" }
}

resource "aws_route" "nat" {
  for_each               = local.zone_index
  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.single_nat_gateway ? local.nat_zones[0] : each.key].id
}

resource "aws_route_table_association" "private" {
  for_each       = local.zone_index
  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

# Image layers come from S3: free of charge through this endpoint, and not through the NAT gateways.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]
  tags              = { Name = "${var.cluster_name}-s3" }
}
