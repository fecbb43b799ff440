"""Finds a GKE cluster, and gets tokens for it. No other package imports Google's libraries, see `access.connect`."""
