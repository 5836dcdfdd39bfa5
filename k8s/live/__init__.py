"""Everything that touches a Kubernetes API or a file saved from one."""
