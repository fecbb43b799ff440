"""The command from a GKE cluster, which is the remote test control plane, to the local one."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lab.controlplane import ControlPlane
from tests.gke.command import REMOTE, environment_of
from tests.gke.google import Google, Json
from tests.scenarios.command import Sync


class GkeSync(Sync):
    """Google gives out the token of a user who applied rbac-remote.yaml, and the certificate authority."""

    def __init__(self, remote: ControlPlane, local: ControlPlane, folder: Path, google: Google, key_file: Path) -> None:
        super().__init__(remote, local, folder)
        google.tokens = [self.remote_token]
        google.cluster = public(remote)
        self._google = {**environment_of(google, folder), "GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}

    def _arguments(self, options: Sequence[str]) -> list[str]:
        return ["--local-kubeconfig", str(self.local_kubeconfig), *REMOTE, *options]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in {**self._google, **more}.items() if value}


def address(plane: ControlPlane) -> str:
    return urlsplit(plane.url).netloc


def authority(plane: ControlPlane) -> Json:
    return {"masterAuth": {"clusterCaCertificate": base64.b64encode(plane.ca_pem.encode()).decode()}}


def public(plane: ControlPlane) -> Json:
    """A cluster as GKE makes it today, its addresses open, its DNS name not."""
    by_ip = {"enabled": True, "enablePublicEndpoint": True, "publicEndpoint": address(plane)}
    by_dns = {"endpoint": "gke-1.europe-west1.gke.goog"}
    config = {"ipEndpointsConfig": by_ip, "dnsEndpointConfig": by_dns}
    return {"status": "RUNNING", "controlPlaneEndpointsConfig": config, **authority(plane)}


def by_name(plane: ControlPlane) -> Json:
    """A cluster that is reached by its DNS name only, which the certificate here has to be an address for."""
    config = {
        "ipEndpointsConfig": {"enabled": False},
        "dnsEndpointConfig": {"endpoint": address(plane), "allowExternalTraffic": True},
    }
    return {"status": "RUNNING", "controlPlaneEndpointsConfig": config, **authority(plane)}
