"""A Service that is seen on a node when all that was written before it has come there, too.

kube-proxy and CoreDNS get the changes of each kind of object in the order in which they were made, so a marker has one
object of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from lab.controlplane import Api, ApiError, Object
from lab.controlplane.objects import port, service

NAMESPACE = "default"
FAMILIES = ("IPv4", "IPv6")
TARGETS = re.compile(r"\bdnat .*")


@dataclass(frozen=True)
class Marker:
    """A Service without a selector, and slices with addresses that nothing else has, one with a hint for each zone.

    So a node whose kube-proxy knows the node's zone uses the addresses of this zone alone.
    """

    number: int
    zones: Sequence[str]

    @property
    def name(self) -> str:
        return f"marker-{self.number}"

    @property
    def host(self) -> str:
        """The name that DNS has to know."""
        return f"{self.name}.{NAMESPACE}.svc.cluster.local"

    def create(self, api: Api) -> Sequence[str]:
        """Create the objects, and return the families that Services have here."""
        both = "PreferDualStack"
        wanted = service(NAMESPACE, self.name, port(80), type="ClusterIP", selector=None, ipFamilyPolicy=both)
        families: Sequence[str] = api.create(wanted)["spec"]["ipFamilies"]
        for family in families:
            endpoints = [endpoint(self._address(family, zone), zone) for zone in self.zones]
            api.create(endpoint_slice(NAMESPACE, self.name, family, endpoints, [port(80)]))
        return families

    def is_in(self, rules: str, zone: str, families: Sequence[str]) -> bool:
        """Say whether the rules of a node in this zone have the marker as they should, in each of the families.

        How a rule looks differs between releases of Kubernetes. Up to 1.35, chains have an address in their name, and
        a chain may outlive its rules.
        """
        targets = "\n".join(TARGETS.findall(rules))
        addresses = {self._address(family, hint): hint for family in families for hint in self.zones}
        used = {address for address in addresses if re.search(rf"(?<![\w:.]){re.escape(address)}(?!\w)", targets)}
        return used == {address for address, hint in addresses.items() if hint == zone or zone not in self.zones}

    def delete(self, api: Api) -> None:
        """Delete what `create` made, as far as it did."""
        names = [("Service", self.name), *(("EndpointSlice", f"{self.name}-{family.lower()}") for family in FAMILIES)]
        for kind, name in names:
            with suppress(ApiError):
                api.delete(kind, name, NAMESPACE)

    def _address(self, family: str, zone: str) -> str:
        # Of the ranges for benchmarks and for documentation: no node and no pod has such an address.
        number = len(self.zones) * self.number + self.zones.index(zone)
        if family == "IPv4":
            return f"198.18.{number // 250}.{number % 250 + 1}"
        return f"2001:db8::{number + 1:x}"


def endpoint(address: str, zone: str = "") -> Object:
    """Return an endpoint of a slice, which is ready, with a hint for the zone if there is one."""
    hint = {"hints": {"forZones": [{"name": zone}]}} if zone else {}
    return {"addresses": [address], "conditions": {"ready": True}, **hint}


def endpoint_slice(
    namespace: str, service_name: str, family: str, endpoints: Sequence[Object], ports: Sequence[Object]
) -> Object:
    """Return a slice of a Service with the endpoints, all of one family."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-{family.lower()}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name, "endpointslice.kubernetes.io/managed-by": "lab"},
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": [{"name": "", **each} for each in ports],
    }
