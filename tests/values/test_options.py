"""Every option reaches the settings: an option that changes nothing would be a promise that nobody keeps."""

from __future__ import annotations

import pytest

from barrelman_sync.command.cli import main
from barrelman_sync.command.options import OPTIONS
from barrelman_sync.command.settings import settings_of
from barrelman_sync.model.settings import Settings

NOT_SETTINGS = {"verbose", "log_format"}
"""Options of the log, which is set up before there are settings."""

KUBECONFIGS = ["--local-kubeconfig", "local", "--remote-kubeconfig", "remote"]
GKE = ["--remote-project", "p", "--remote-location", "l", "--remote-cluster-name", "c"]
OF_GKE = {"remote_endpoint", "impersonate_service_account"}

SAMPLES = {
    "local_kubeconfig": ["--local-kubeconfig", "other"],
    "local_context": ["--local-context", "other"],
    "remote_project": ["--remote-project", "other"],
    "remote_location": ["--remote-zone", "other"],
    "remote_cluster_name": ["--remote-cluster-name", "other"],
    "remote_endpoint": ["--remote-endpoint", "dns"],
    "impersonate_service_account": ["--impersonate-service-account", "a@p.iam.gserviceaccount.com"],
    "remote_kubeconfig": ["--remote-kubeconfig", "other"],
    "remote_context": ["--remote-context", "other"],
    "remote_name": ["--remote-name", "other"],
    "adopt_source": ["--adopt-source", "other"],
    "ignore_namespace": ["--ignore-namespace", "other"],
    "include_loadbalancers": ["--include-loadbalancers"],
    "nodeportsvc": ["--nodeportsvc"],
    "no_create_namespaces": ["--no-create-namespaces"],
    "node_selector": ["--node-selector", "pool=a"],
    "use_excluded_nodes": ["--use-excluded-nodes"],
    "allowed_node_cidr": ["--allowed-node-cidr", "10.0.0.0/8"],
    "max_endpoints": ["--max-endpoints", "5"],
    "endpoint_slices": ["--endpoint-slices"],
    "max_deletes": ["--max-deletes", "5"],
    "allow_mass_delete": ["--allow-mass-delete"],
    "preflight": ["--preflight"],
    "dry_run": ["--dry-run"],
    "detailed_exitcode": ["--dry-run", "--detailed-exitcode"],
    "output": ["--output", "json"],
    "expect_plan": ["--expect-plan", "0123456789abcdef"],
    "color": ["--color", "never"],
    "timeout": ["--timeout", "5s"],
    "concurrency": ["--concurrency", "2"],
    "metrics_file": ["--metrics-file", "m.prom"],
    "pushgateway": ["--pushgateway", "http://p:9091"],
}
"""A value other than the default for each option."""


def settings(*arguments: str) -> Settings:
    with main.make_context("barrelman-sync", [*arguments]) as context:
        return settings_of(context, context.params)


def test_there_is_a_sample_of_every_option() -> None:
    assert SAMPLES.keys() | NOT_SETTINGS == {option.name for option in OPTIONS}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_option_changes_the_settings(name: str) -> None:
    base = GKE if name in OF_GKE or SAMPLES[name][0] in {*GKE, "--remote-zone"} else KUBECONFIGS[2:]
    arguments = [*KUBECONFIGS[:2], *base]
    before = [*arguments, "--dry-run"] if name == "detailed_exitcode" else arguments
    assert settings(*arguments, *SAMPLES[name]) != settings(*before)
