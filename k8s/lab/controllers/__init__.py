"""The lab's control plane: EndpointSlices with hints and events, workloads and their rollouts."""
