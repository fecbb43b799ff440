"""Makes the Services of a remote Kubernetes cluster reachable by name in the local cluster."""

__version__ = "0.1.0"
