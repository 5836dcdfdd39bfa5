"""Load generators in every zone, on the lab and on a cluster."""
