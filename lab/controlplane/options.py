"""How a control plane is set up, and the command lines that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

ENDPOINTS = "endpoints-controller"
SLICES = "endpointslice-controller"
MIRRORING = "endpointslice-mirroring-controller"
GARBAGE = "garbage-collector-controller"

# The namespace-controller is missing: it empties a namespace five seconds after the deletion, and so could delete
# objects of the next test. A namespace that a test deletes stays terminating until `ControlPlane.finish_namespace` or
# the next reset. The serviceaccount-controller is missing, too: tokens come from TokenRequest.
CONTROLLERS = (ENDPOINTS, SLICES, MIRRORING, GARBAGE)


@dataclass(frozen=True)
class Options:
    """How one control plane is set up. The extra arguments come last, so they override ours."""

    controllers: tuple[str, ...] = CONTROLLERS
    audit: bool = True
    dual_stack: bool = False
    address: str = "127.0.0.1"
    apiserver_args: tuple[str, ...] = ()
    controller_args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """The folder and the addresses of one control plane."""

    folder: Path
    address: str
    port: int
    service_ranges: str

    @property
    def url(self) -> str:
        """The API server's URL."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"https://{host}:{self.port}"

    @property
    def etcd_socket(self) -> Path:
        """The Unix socket of etcd. It needs no port, and only our user may connect."""
        return self.folder / "etcd.sock"

    @property
    def certificates(self) -> Path:
        """The folder into which the API server writes the certificate that it makes for itself."""
        return self.folder / "certificates"

    def service_ip(self, number: int) -> str:
        """Return one of the first IPv4 addresses for Services, which a Service gets only if it asks for it."""
        ipv4, _, _ipv6 = self.service_ranges.partition(",")
        return str(ip_network(ipv4)[number])

    @property
    def tokens(self) -> Path:
        """The file of bearer tokens."""
        return self.folder / "tokens.csv"


def service_ranges(number: int, *, dual_stack: bool) -> str:
    """Return the IP ranges for the Services of cluster `number`. No two clusters have the same ranges."""
    ipv4 = f"10.{96 + number}.0.0/16"
    return f"{ipv4},fd00:{96 + number}::/112" if dual_stack else ipv4


def etcd_flags(site: Site) -> list[str]:
    """Return etcd's arguments."""
    return ["etcd", f"--data-dir={site.folder / 'etcd'}", f"--socket={site.etcd_socket}"]


def apiserver_flags(site: Site) -> list[str]:
    """Return the API server's arguments."""
    # Any private key will do for service account tokens, and the server has just made one for its certificate.
    key = site.certificates / "apiserver.key"
    return [
        "kube-apiserver",
        f"--etcd-servers=unix://{site.etcd_socket}",
        f"--bind-address={site.address}",
        f"--advertise-address={site.address}",  # needed if the machine has no default route
        f"--secure-port={site.port}",
        "--permit-port-sharing",  # ReservedPort has bound the port
        f"--cert-dir={site.certificates}",
        f"--service-cluster-ip-range={site.service_ranges}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={site.tokens}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",  # so that pods need no account, which a controller would make
        "--allow-privileged",
        "--delete-collection-workers=8",
        "--endpoint-reconciler-type=none",  # else it publishes its own address, which is a loopback address
    ]


def controller_flags(kubeconfig: Path, controllers: Sequence[str]) -> list[str]:
    """Return the controller manager's arguments."""
    return [
        "kube-controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--secure-port=0",
        "--leader-elect=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        # One worker for each controller, so that events are handled in their order, on which `settle` relies.
        "--concurrent-endpoint-syncs=1",
        "--concurrent-service-endpoint-syncs=1",
        "--mirroring-concurrent-service-endpoint-syncs=1",
    ]
