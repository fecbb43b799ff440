"""How to reach a cluster, and what to advise when that fails: values that `gke` makes and `cluster` uses. Pure."""

from urllib.parse import urlsplit

from barrelman_sync.model.errors import Advice

_ROLES = {"local": "rbac.yaml", "remote": "rbac-remote.yaml"}


def kubeconfig_advice(side: str, proxy: str | None = None) -> Advice:
    """For a cluster that a kubeconfig names, `proxy` by its URL."""
    # Without what stands before an @: it may be a password.
    way = f"by way of its proxy-url, {urlsplit(proxy).netloc.rpartition('@')[2]}" if proxy else "from here"
    return Advice(
        unreachable=f"Check the server's address in the kubeconfig, and that it can be reached {way}.",
        untrusted="Check certificate-authority-data in the kubeconfig.",
        refused="The credentials are refused: check the token or certificate of this cluster's kubeconfig.",
        forbidden=f"Grant it with the roles of {_ROLES[side]}, or use credentials that have them.",
    )


POD_ADVICE = Advice(
    unreachable="Check that pods can reach the API server: network policies, and the Service default/kubernetes.",
    untrusted="Check the ConfigMap kube-root-ca.crt in our namespace.",
    refused="The token of the pod's service account is refused: check that the account still exists.",
    forbidden=f"Grant it with the roles of {_ROLES['local']} to the pod's service account.",
)
"""For the cluster that we run in, by the pod's service account."""
