"""Every option reaches the settings: an option that changes nothing would be a promise that nobody keeps."""

from __future__ import annotations

import pytest

from barrelman_sync.command.cli import main
from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS
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
    "namespace": ["--namespace", "shop"],
    "ignore_namespace": ["--ignore-namespace", "other"],
    "service_selector": ["--service-selector", "tier=web"],
    "include_loadbalancers": ["--include-loadbalancers"],
    "nodeportsvc": ["--nodeportsvc"],
    "no_create_namespaces": ["--no-create-namespaces"],
    "node_selector": ["--node-selector", "pool=a"],
    "use_excluded_nodes": ["--use-excluded-nodes"],
    "allowed_node_cidr": ["--allowed-node-cidr", "10.0.0.0/8"],
    "max_endpoints": ["--max-endpoints", "5"],
    "endpoint_slices": ["--endpoint-slices"],
    "prefer_same_zone": ["--endpoint-slices", "--prefer-same-zone"],
    "max_deletes": ["--max-deletes", "5"],
    "allow_mass_delete": ["--allow-mass-delete"],
    "delete_grace": ["--delete-grace", "24h"],
    "preflight": ["--preflight"],
    "explain": ["--explain", "shop/cart"],
    "dry_run": ["--dry-run"],
    "detailed_exitcode": ["--dry-run", "--detailed-exitcode"],
    "output": ["--output", "json"],
    "expect_plan": ["--expect-plan", "0123456789abcdef"],
    "color": ["--color", "never"],
    "timeout": ["--timeout", "5s"],
    "concurrency": ["--concurrency", "2"],
    "quiet": ["--quiet"],
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
    assert settings(*base_of(name), *SAMPLES[name]) != settings(*base_of(name))


def base_of(name: str) -> list[str]:
    """The least options beside the option NAME."""
    gke = name in OF_GKE or SAMPLES[name][0] in {*GKE, "--remote-zone"}
    more = [option for option in SAMPLES[name][:-1] if name in {"detailed_exitcode", "prefer_same_zone"}]
    return [*KUBECONFIGS[:2], *(GKE if gke else KUBECONFIGS[2:]), *more]


def without(arguments: list[str], option: str) -> list[str]:
    pairs = [*zip(arguments[::2], arguments[1::2], strict=False)]
    flags = arguments[len(pairs) * 2 :]
    return [*(each for pair in pairs if pair[0] != option for each in pair), *flags]


WHITE = {"LF": "{}\n", "CR LF": "{}\r\n", "spaces": "  {}\t", "byte order mark": "\ufeff{}\r\n"}


@pytest.mark.parametrize("white", WHITE.values(), ids=WHITE)
@pytest.mark.parametrize("name", SAMPLES)
def test_white_space_around_a_value(name: str, white: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Secrets, from Windows files, from templates; as an option and as a variable."""
    *before, option, value = SAMPLES[name] if len(SAMPLES[name]) > 1 else ["", SAMPLES[name][0]]
    is_flag = value.startswith("--")
    base = base_of(name)
    expected = settings(*base, *SAMPLES[name])
    if not is_flag:
        assert settings(*base, option, white.format(value)) == expected
    variable = f"{ENVIRONMENT_PREFIX}_{name.upper()}"
    monkeypatch.setenv(variable, white.format("true" if is_flag else value))
    assert settings(*without(base, f"--{name.replace('_', '-')}"), *before) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_a_variable_of_white_space_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings(*base_of(name))
    monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}_{name.upper()}", " \r\n")
    assert settings(*base_of(name)) == before


@pytest.mark.parametrize("text", ["TRUE ", "1\r\n", "yes\n", "\ufefftrue"])
def test_a_flag_that_is_on(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARRELMAN_SYNC_DRY_RUN", text)
    assert settings(*KUBECONFIGS).run.dry_run


def test_the_second_name_of_a_variable_counts_if_the_first_is_white_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARRELMAN_SYNC_REMOTE_LOCATION", " ")
    monkeypatch.setenv("BARRELMAN_SYNC_REMOTE_ZONE", "zone\n")
    assert settings(*KUBECONFIGS[:2], *without(GKE, "--remote-location")) == settings(
        *KUBECONFIGS[:2], *without(GKE, "--remote-location"), "--remote-zone", "zone"
    )


def test_a_repeated_option_of_white_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARRELMAN_SYNC_IGNORE_NAMESPACE", "\n a\tb\r\n")
    assert settings(*KUBECONFIGS).scope.ignored_namespaces == {"a", "b", "kube-system"}
