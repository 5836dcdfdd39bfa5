"""AWS through boto3.

``aws_client`` is the only file that knows boto3: credentials, retries, and each refusal in one line. The
sources that read AWS ask through it.
"""
