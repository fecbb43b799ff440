"""How to reach a cluster, and what to advise when that fails: values that `gke` makes and `cluster` uses. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ROLES = {"local": "rbac.yaml", "remote": "rbac-remote.yaml"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a user can do about a cluster that does not answer, or does not let us in. Whole sentences."""

    unreachable: str
    untrusted: str
    refused: str
    forbidden: str


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A cluster by its address and a token."""

    name: str
    server: str
    """The URL."""
    authority: str | None
    """The certificates to trust, PEM in base64; None for those that the system trusts."""
    token: str = field(repr=False)
    renew: Callable[[], str] = field(repr=False)
    """Gives a new token, for one that is refused. Raises RunError; called by one thread at a time."""
    advice: Advice


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
