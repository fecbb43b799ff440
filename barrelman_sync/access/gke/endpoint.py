"""Which address of a GKE cluster's control plane we use, and whose certificate it shows. Pure.

`auto` takes what works for a pod in another cluster with the least that has to be set up:

1. public: the IP address that is reached from any network, by way of NAT too. A token and RBAC are all it needs.
2. dns: reached from anywhere too, but only with the IAM permission container.clusters.connect in addition.
3. private: only from the cluster's own network and those connected to it, which we cannot know from here.

The same order as `gcloud container clusters get-credentials`. A cluster whose authorized networks leave us out on its
public address may let us in on another: only its owner knows, so that is what the option is for.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from barrelman_sync.model.settings import RemoteEndpoint

Section = Mapping[str, Any]

ORDER = (RemoteEndpoint.PUBLIC, RemoteEndpoint.DNS, RemoteEndpoint.PRIVATE)


class Endpoint(NamedTuple):
    """A way to the control plane."""

    kind: RemoteEndpoint
    server: str
    authority: str | None
    """None where the certificate is one that every system trusts."""


def endpoints(cluster: Section) -> Mapping[RemoteEndpoint, Endpoint]:
    """The endpoints that a cluster offers to the likes of us, as the API describes it, in the order of `auto`.

    Its newer fields win; older clusters have only the others.
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
    if config.get("enabled") is False or config.get("enablePublicEndpoint") is False:
        return None
    others = (_private(cluster), _dns_host(cluster))
    fallback = (
        None if old.get("enablePrivateEndpoint") or cluster.get("endpoint") in others else cluster.get("endpoint")
    )
    return config.get("publicEndpoint") or old.get("publicEndpoint") or fallback


def _private(cluster: Section) -> str | None:
    config, old = _by_ip(cluster), _section(cluster, "privateClusterConfig")
    if config.get("enabled") is False:
        return None
    fallback = cluster.get("endpoint") if old.get("enablePrivateEndpoint") else None
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
