"""The lab's shop: ``ui`` calls ``catalog``, with the paths and the fan-out of the AWS retail store sample."""
