"""A Service that is seen on a node when all that was written before it has come there, too.

kube-proxy and CoreDNS get the changes of each kind of object in the order in which they were made, so a marker has one
object of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lab.controlplane import Api, ApiError, Object
from lab.controlplane.objects import port, service

NAMESPACE = "default"


@dataclass(frozen=True)
class Marker:
    """A Service without a selector, and slices with addresses that nothing else has."""

    number: int

    @property
    def name(self) -> str:
        return f"marker-{self.number}"

    @property
    def host(self) -> str:
        """The name that DNS has to know."""
        return f"{self.name}.{NAMESPACE}.svc.cluster.local"

    def create(self, api: Api) -> Sequence[str]:
        """Create the objects, and return the addresses: one of each family that Services here have."""
        both = "PreferDualStack"
        wanted = service(NAMESPACE, self.name, port(80), type="ClusterIP", selector=None, ipFamilyPolicy=both)
        families = api.create(wanted)["spec"]["ipFamilies"]
        for family in families:
            api.create(endpoint_slice(NAMESPACE, self.name, self._address(family), [port(80)]))
        return [self._address(family) for family in families]

    def delete(self, api: Api) -> None:
        """Delete what `create` made, as far as it did."""
        names = [("Service", self.name), *(("EndpointSlice", f"{self.name}-{family}") for family in ("ipv4", "ipv6"))]
        for kind, name in names:
            with suppress(ApiError):
                api.delete(kind, name, NAMESPACE)

    def _address(self, family: str) -> str:
        # Of the ranges for benchmarks and for documentation: no node and no pod has such an address.
        if family == "IPv4":
            return f"198.18.{self.number // 250}.{self.number % 250 + 1}"
        return f"2001:db8::{self.number + 1:x}"


def is_in(rules: str, addresses: Iterable[str]) -> bool:
    """Say whether kube-proxy's rules have all addresses. How a rule looks differs between releases of Kubernetes."""
    return all(re.search(rf"(?<![\w:.]){re.escape(address)}(?!\w)", rules) for address in addresses)


def endpoint_slice(namespace: str, service_name: str, address: str, ports: Sequence[Object]) -> Object:
    """Return a slice of a Service with one address, which is ready."""
    family = "IPv6" if ":" in address else "IPv4"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-{family.lower()}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name, "endpointslice.kubernetes.io/managed-by": "lab"},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "", **each} for each in ports],
    }
