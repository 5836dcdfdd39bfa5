"""The lab's machines: kubelets, the processes of pods, outages."""
