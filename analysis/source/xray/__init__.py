"""AWS X-Ray: the client (boto3), the source, and readers of its graphs, leaves and trace documents."""
