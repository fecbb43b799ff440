"""The only part that talks to the Kubernetes API, by lightkube."""
