# A place for the Locust image, which the manifests have to be told.

resource "aws_ecr_repository" "locust" {
  name                 = "${var.cluster_name}/locust"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true # the cluster is made to be thrown away, and the image is built from the tree

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.this.arn
  }
}
