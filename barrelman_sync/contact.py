"""How to reach a cluster, and what to advise when that fails: values that `gke` makes and `cluster` uses. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Advice:
    """What a user can do about a cluster that does not answer, or does not let us in. Whole sentences."""

    unreachable: str = "Check the server's address in the kubeconfig, and that it can be reached from here."
    untrusted: str = "Check certificate-authority-data in the kubeconfig."
    refused: str = "The credentials are refused: check the token or certificate of this cluster's kubeconfig."
    forbidden: str = "Grant it with the roles of rbac.yaml, or use credentials that have them."


KUBECONFIG_ADVICE = Advice()


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
