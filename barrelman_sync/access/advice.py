"""Advice for a user whose cluster does not answer or refuses us. Pure. The advice for GKE is in `gke/advice.py`."""

from barrelman_sync.access.proxies import Proxy
from barrelman_sync.model.errors import Advice

_ROLES = {"local": "rbac.yaml", "remote": "rbac-remote.yaml"}


def kubeconfig_advice(side: str, proxy: Proxy | None = None) -> Advice:
    """The advice for a cluster that a kubeconfig names, if need be behind a proxy."""
    way = f"through the {_proxy(proxy)}" if proxy else "from here"
    return Advice(
        unreachable=f"Check the server address in the kubeconfig, and that the server is reachable {way}.",
        untrusted="Check certificate-authority-data in the kubeconfig.",
        refused="The server rejects the credentials: check the token or certificate in the kubeconfig of this cluster.",
        forbidden=f"Grant the permission with the roles in {_ROLES[side]}, or use other credentials.",
    )


def _proxy(proxy: Proxy) -> str:
    return f"proxy-url {proxy.shown}" if proxy.named_by == "proxy-url" else f"proxy {proxy.shown} of {proxy.named_by}"


POD_ADVICE = Advice(
    unreachable="Check that pods can reach the API server: network policies, and the Service default/kubernetes.",
    untrusted="Check the ConfigMap kube-root-ca.crt in the namespace of the pod.",
    refused="The server rejects the token of the pod's service account: check that the account still exists.",
    forbidden=f"Grant the permission to the pod's service account with the roles in {_ROLES['local']}.",
)
"""The advice for the cluster that we run in, as the pod's service account."""
