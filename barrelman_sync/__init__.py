"""Keeps services of a remote Kubernetes cluster reachable by their plain names in the local one."""

__version__ = "0.1.0"
