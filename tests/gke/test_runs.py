"""Whole runs from a GKE cluster: Google is a fake, both clusters are real, the roles are those that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.gke.clusters import GkeSync, address, authority, by_name
from tests.gke.google import ACCOUNT, CLUSTER, CLUSTER_PATH, METADATA_ACCOUNT, TARGET, Answer, Google, refusal
from tests.scenarios.command import NAMESPACE
from tests.scenarios.views import SOURCE, ips, labels, mirror_of, node_port

REFUSED = "this-token-is-refused"


@pytest.fixture
def sync(remote: ControlPlane, local: ControlPlane, google: Google, key_file: Path, tmp_path: Path) -> GkeSync:
    remote.add(node("n1", "10.0.0.1"), node("n2", "10.0.0.2"), node_port("foo", "bar", 30080))
    return GkeSync(remote, local, tmp_path / "sync", google, key_file)


def mirrored(local: ControlPlane) -> list[str]:
    return ips(local, "foo", "bar")


def test_the_installed_command(sync: GkeSync, local: ControlPlane) -> None:
    run = sync.installed()
    assert (run.exit_code, run.stderr) == (0, "")
    assert mirrored(local) == ["10.0.0.1", "10.0.0.2"]
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == CLUSTER
    sync.writes_nothing()


def test_all_by_the_environment(sync: GkeSync, local: ControlPlane) -> None:
    """And the original's name for the place."""
    sync._arguments = lambda options: [*options]  # type: ignore[method-assign]
    run = sync.installed(
        BARRELMAN_SYNC_LOCAL_KUBECONFIG=str(sync.local_kubeconfig),
        BARRELMAN_SYNC_REMOTE_PROJECT="shop-prod",
        BARRELMAN_SYNC_REMOTE_ZONE="europe-west1",
        BARRELMAN_SYNC_REMOTE_CLUSTER_NAME=CLUSTER,
    )
    assert (run.exit_code, mirrored(local)) == (0, ["10.0.0.1", "10.0.0.2"])


def test_a_name_of_its_own(sync: GkeSync, local: ControlPlane) -> None:
    sync.converges("--remote-name", "shop")
    assert labels(mirror_of(local, "foo", "bar"))[SOURCE] == "shop"


@pytest.mark.parametrize("status", ["RUNNING", "RECONCILING", "DEGRADED"])
def test_also_while_the_cluster_changes(sync: GkeSync, google: Google, status: str) -> None:
    google.cluster["status"] = status
    assert sync("--dry-run").exit_code == 0


def test_by_workload_identity_as_another_account(sync: GkeSync, google: Google, local: ControlPlane) -> None:
    google.tokens = ["token-of-the-pod", sync.remote_token]
    metadata = {"NO_GCE_CHECK": "", "GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}
    run = sync("--impersonate-service-account", TARGET, **metadata, GOOGLE_APPLICATION_CREDENTIALS="")
    assert (run.exit_code, run.stderr, mirrored(local)) == (0, "", ["10.0.0.1", "10.0.0.2"])
    assert google.requests_for(f"{METADATA_ACCOUNT}/token")


def test_an_old_private_cluster(sync: GkeSync, google: Google, remote: ControlPlane) -> None:
    private = {"enablePrivateEndpoint": True, "privateEndpoint": address(remote)}
    google.cluster = {"status": "RUNNING", **authority(remote), "privateClusterConfig": private}
    assert sync("--dry-run").exit_code == 0
    assert sync("--dry-run", "--remote-endpoint", "private").exit_code == 0
    assert "it has no public endpoint" in sync("--dry-run", "--remote-endpoint", "public").stderr


def test_its_dns_name_with_a_certificate_that_the_system_trusts(
    sync: GkeSync, google: Google, remote: ControlPlane, local: ControlPlane
) -> None:
    google.cluster = by_name(remote)
    run = sync("--remote-endpoint", "dns", SSL_CERT_FILE=str(remote.ca_file))
    assert (run.exit_code, run.stderr, mirrored(local)) == (0, "", ["10.0.0.1", "10.0.0.2"])


def test_its_dns_name_does_not_take_the_authority_of_the_cluster(
    sync: GkeSync, google: Google, remote: ControlPlane
) -> None:
    """Which anyone who may make clusters could have."""
    google.cluster = by_name(remote)
    run = sync()
    assert run.exit_code == 1
    assert "is not trusted" in run.stderr
    assert "A proxy on the way to the dns endpoint seems to present its own certificate." in run.stderr


def test_its_address_takes_no_other_authority(
    sync: GkeSync, google: Google, remote: ControlPlane, local: ControlPlane
) -> None:
    google.cluster.update(authority(local))
    run = sync(SSL_CERT_FILE=str(remote.ca_file))
    assert (run.exit_code, "is not trusted" in run.stderr) == (1, True)


def test_an_authority_that_is_none(sync: GkeSync, google: Google) -> None:
    google.cluster["masterAuth"] = {"clusterCaCertificate": "bm9uZQ=="}
    run = sync()
    assert (run.exit_code, run.stderr.count("\n")) == (2, 1), run


def test_a_token_that_ran_out_is_renewed_once(sync: GkeSync, google: Google, local: ControlPlane) -> None:
    """The container API still took it."""
    google.tokens = [REFUSED, sync.remote_token]
    run = sync()
    assert (run.exit_code, run.stderr, mirrored(local)) == (0, "", ["10.0.0.1", "10.0.0.2"])
    assert len(google.requests_for("/token")) == 2
    assert [request.status for request in run.requests if request.user_agent.startswith("barrelman")].count(401) <= 1


def test_a_token_that_stays_refused(sync: GkeSync, google: Google) -> None:
    google.tokens = [REFUSED]
    run = sync()
    assert (run.exit_code, len(google.requests_for("/token"))) == (1, 2)
    assert run.stderr.count("\n") == 1
    assert f"The server rejects Google's token for {ACCOUNT}" in run.stderr
    assert REFUSED not in run.stdout + run.stderr


def test_a_token_that_cannot_be_renewed(sync: GkeSync, google: Google) -> None:
    google.tokens = [REFUSED]
    google.instead("/token", lambda: None, refusal(400, "X", "invalid_grant: account deleted"))
    run = sync()
    assert (run.exit_code, run.stderr.count("\n")) == (1, 1), run
    assert "Getting a token from Google failed: " in run.stderr


def test_an_account_without_permissions(sync: GkeSync, google: Google, remote: ControlPlane) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NAMESPACE}}
    remote.api.apply(account)
    google.tokens = [remote.service_account_token(NAMESPACE, "nobody")]
    run = sync()
    assert run.exit_code == 1
    assert (
        f"Bind the role in rbac-remote.yaml to {ACCOUNT}, or grant the broader GKE role: gcloud projects" in run.stderr
    )


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_federated_account_of_a_pod(sync: GkeSync, google: Google, remote: ControlPlane, status: str) -> None:
    """Google's own API takes its token, the control plane does not; no binding of a principal would help."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": NAMESPACE}}
    remote.api.apply(account)
    google.tokens = [REFUSED if status == "401" else remote.service_account_token(NAMESPACE, "nobody")]
    google.instead(f"{METADATA_ACCOUNT}/", *[Answer(200, {"email": "callers.svc.id.goog"})] * 9)
    metadata = {"NO_GCE_CHECK": "", "GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}
    pod = {**metadata, "GOOGLE_APPLICATION_CREDENTIALS": "", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    run = sync(**pod)
    assert (run.exit_code, f"the server answered {status}" in run.stderr) == (1, True), run
    assert "callers.svc.id.goog is the federated account of a pod" in run.stderr
    assert "kubectl annotate serviceaccount NAME" in run.stderr
    assert "--member principal" not in run.stderr
    told = sync("--preflight", **pod).stdout
    assert "as the Google account callers.svc.id.goog (federated: the pod acts as no Google service account)" in told


def test_no_way_to_the_control_plane(sync: GkeSync, google: Google, closed_port: str) -> None:
    config = google.cluster["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]
    config["publicEndpoint"] = closed_port
    run = sync("--timeout", "5s")
    assert run.exit_code == 1
    assert f"no connection to https://{closed_port}" in run.stderr
    assert "This is the public endpoint: check that the cluster's authorized networks" in run.stderr
    assert f"gcloud container clusters describe {CLUSTER} --location" in run.stderr


def test_the_same_cluster_on_both_sides(sync: GkeSync, google: Google, remote: ControlPlane) -> None:
    sync.local_kubeconfig = remote.kubeconfig()
    assert sync().exit_code == 2


def test_preflight(sync: GkeSync, google: Google, remote: ControlPlane) -> None:
    """Without a node port to try: its address is nobody's here. tests/wire/test_preflight.py tries some."""
    remote.api.delete("Service", "bar", "foo")
    run = sync("--preflight")
    assert f"ok   remote cluster: found at {remote.url} as the Google account {ACCOUNT}\n" in run.stdout
    assert f"remote cluster: connected to {CLUSTER} at {remote.url}" in run.stdout


def test_preflight_that_finds_no_cluster(sync: GkeSync, google: Google) -> None:
    google.instead(CLUSTER_PATH, refusal(404, "NOT_FOUND", "Not found."))
    run = sync("--preflight")
    assert (run.exit_code, "gcloud container clusters list" in run.stdout) == (1, True)
