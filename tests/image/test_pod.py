"""The CronJob's container, with nothing but what its manifest gives it, in the image, for two real clusters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.controlplane import ControlPlane, Object
from lab.controlplane.objects import node
from tests.deploy.manifests import Variant, environment, pod_template, render
from tests.deploy.manifests import container as container_of
from tests.gke.clusters import public
from tests.gke.google import METADATA_ACCOUNT, Answer, Google
from tests.image.build import Image
from tests.image.container import Container, Done, secret
from tests.scenarios.command import Sync
from tests.scenarios.views import SOURCE, ips, labels, mirror_of, node_port

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Pod:
    """A pod of the CronJob as the kubelet starts it in the local cluster."""

    def __init__(self, image: Image, sync: Sync, folder: Path) -> None:
        self.image, self.sync, self.folder = image, sync, folder

    def run(self, variant: Variant, *options: str, files: Mapping[str, str], **more: str) -> Done:
        objects = render(variant)
        spec = container_of(objects)
        assert spec["securityContext"]["readOnlyRootFilesystem"], "which is how it runs here"
        mounts = {ACCOUNT: self._account(), **self._secrets(objects, files)}
        variables = {**environment(objects), **self._local_api_server(), **more}
        return Container(self.image, mounts, variables).run(*spec.get("args", ()), *options)

    def _account(self) -> Path:
        files = {"token": self.sync.local_token, "ca.crt": self.sync.local.ca_pem, "namespace": "barrelman-sync"}
        return secret(self.folder / "account", files, group=65532, mode=0o440)

    def _secrets(self, objects: list[Object], files: Mapping[str, str]) -> dict[str, Path]:
        """One folder for each volume: all of them are Secrets."""
        spec = pod_template(objects)["spec"]
        sources = {volume["name"]: volume for volume in spec["volumes"]}
        places = {mount["name"]: mount["mountPath"] for mount in container_of(objects)["volumeMounts"]}
        group = spec["securityContext"]["fsGroup"]
        return {
            places[name]: secret(self.folder / name, files, group=group, mode=source["secret"]["defaultMode"])
            for name, source in sources.items()
        }

    def _local_api_server(self) -> dict[str, str]:
        address = urlsplit(self.sync.local.url)
        return {"KUBERNETES_SERVICE_HOST": str(address.hostname), "KUBERNETES_SERVICE_PORT": str(address.port)}


@pytest.fixture
def pod(image: Image, remote: ControlPlane, local: ControlPlane, tmp_path: Path) -> Pod:
    remote.add(node("n1", "10.0.0.1"), node_port("foo", "bar", 30080))
    return Pod(image, Sync(remote, local, tmp_path / "sync"), tmp_path)


def test_a_remote_by_kubeconfig(pod: Pod, local: ControlPlane) -> None:
    done = pod.run(Variant.KUBECONFIG, files={"kubeconfig": pod.sync.remote_kubeconfig.read_text()})
    assert (done.returncode, ips(local, "foo", "bar")) == (0, ["10.0.0.1"]), done
    assert all(json.loads(line)["severity"] == "INFO" for line in done.stderr.splitlines())
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == "my-cluster"


def test_a_dry_run(pod: Pod, local: ControlPlane) -> None:
    files = {"kubeconfig": pod.sync.remote_kubeconfig.read_text()}
    done = pod.run(Variant.KUBECONFIG, "--dry-run", files=files)
    assert (done.returncode, local.api.find("Service", "bar", "foo")) == (0, None), done
    assert "foo/bar" in done.stdout


def test_a_gke_remote(pod: Pod, local: ControlPlane, google: Google) -> None:
    """By Workload Identity: the metadata server and the API that is described by the only document left."""
    google.cluster, google.tokens = public(pod.sync.remote), [pod.sync.remote_token]
    path = "/v1/projects/my-project/locations/europe-west1/clusters/my-cluster"
    google.instead(path, Answer(200, google.cluster))
    done = pod.run(
        Variant.WORKLOAD_IDENTITY,
        files={},
        CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=f"{google.url}/",
        GCE_METADATA_HOST=google.address,
        GCE_METADATA_IP=google.address,
    )
    assert google.requests_for(f"{METADATA_ACCOUNT}/token")
    assert (done.returncode, ips(local, "foo", "bar")) == (0, ["10.0.0.1"]), done
