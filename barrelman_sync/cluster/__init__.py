"""Reads and writes Kubernetes objects, with lightkube. No other package talks to a Kubernetes API server."""
