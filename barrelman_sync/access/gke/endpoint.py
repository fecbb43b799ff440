"""Which endpoint of a GKE cluster's control plane we use, and which certificate authority we trust there. Pure.

`auto` takes the endpoint that a pod in another cluster can reach with the least set-up:

1. public: an IP address that can be reached from any network, also through NAT. A token and RBAC are enough.
2. dns: a name that can be reached from anywhere too. Its front end checks IAM before RBAC is asked.
3. private: an IP address that can be reached only from the cluster's network and from networks connected to it. We
   cannot know whether we are in such a network.

`gcloud container clusters get-credentials` has the same order. If the authorized networks of the public endpoint do not
include us, another endpoint may still accept us. Only the owner of the cluster knows, and uses `--remote-endpoint`.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from barrelman_sync.model.settings import RemoteEndpoint

Section = Mapping[str, Any]

ORDER = (RemoteEndpoint.PUBLIC, RemoteEndpoint.DNS, RemoteEndpoint.PRIVATE)


class Endpoint(NamedTuple):
    """An address of the control plane. `authority` is the cluster's own certificate authority."""

    kind: RemoteEndpoint
    server: str
    authority: str | None
    """None if the certificate is from an authority that every system trusts."""


def endpoints(cluster: Section) -> Mapping[RemoteEndpoint, Endpoint]:
    """The endpoints that a cluster offers, in the order of `auto`. `cluster` is the description by the API.

    If the description has both newer and older fields, the newer fields count. Old clusters have only older fields.
    """
    hosts = {
        RemoteEndpoint.PUBLIC: _public(cluster),
        RemoteEndpoint.DNS: _dns(cluster),
        RemoteEndpoint.PRIVATE: _private(cluster),
    }
    authority = _section(cluster, "masterAuth").get("clusterCaCertificate")
    return {
        kind: Endpoint(kind, _url(host), None if kind is RemoteEndpoint.DNS else authority)
        for kind in ORDER
        if (host := hosts[kind]) and (kind is RemoteEndpoint.DNS or authority)
    }


def _public(cluster: Section) -> str | None:
    config, old = _by_ip(cluster), _section(cluster, "privateClusterConfig")
    closed = config.get("enablePublicEndpoint") is False or config.get("enabled") is False
    # GKE reports a publicEndpoint beside the older enablePrivateEndpoint, too. Nobody can reach it.
    if closed or (old.get("enablePrivateEndpoint") and not config.get("enablePublicEndpoint")):
        return None
    others = (_private(cluster), _dns_host(cluster))
    fallback = None if cluster.get("endpoint") in others else cluster.get("endpoint")
    return config.get("publicEndpoint") or old.get("publicEndpoint") or fallback


def _private(cluster: Section) -> str | None:
    config, old = _by_ip(cluster), _section(cluster, "privateClusterConfig")
    if config.get("enabled") is False:
        return None
    only = config.get("enablePublicEndpoint") is False or old.get("enablePrivateEndpoint")
    others = (config.get("publicEndpoint"), old.get("publicEndpoint"), _dns_host(cluster))
    fallback = cluster.get("endpoint") if only and cluster.get("endpoint") not in others else None
    return config.get("privateEndpoint") or old.get("privateEndpoint") or fallback


def _dns(cluster: Section) -> str | None:
    config = _section(_section(cluster, "controlPlaneEndpointsConfig"), "dnsEndpointConfig")
    return _dns_host(cluster) if config.get("allowExternalTraffic") else None


def _dns_host(cluster: Section) -> str | None:
    host: str | None = _section(_section(cluster, "controlPlaneEndpointsConfig"), "dnsEndpointConfig").get("endpoint")
    return host


def _by_ip(cluster: Section) -> Section:
    return _section(_section(cluster, "controlPlaneEndpointsConfig"), "ipEndpointsConfig")


def _section(parent: Section, name: str) -> Section:
    return parent.get(name) or {}


def _url(host: str) -> str:
    try:
        return f"https://[{IPv6Address(host)}]"
    except ValueError:
        return f"https://{host}"
