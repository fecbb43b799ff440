"""The text of a kubeconfig."""

from __future__ import annotations

import base64

import yaml


def kubeconfig(cluster: str, url: str, ca_pem: str, user: str, token: str) -> str:
    """Return a kubeconfig with one cluster, one user and one context, which is named after the cluster."""
    where = {"server": url, "certificate-authority-data": base64.b64encode(ca_pem.encode()).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": where}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    return yaml.safe_dump(config, sort_keys=False)
