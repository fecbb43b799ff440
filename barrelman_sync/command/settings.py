"""From the values of the options to the settings of a run. Every problem is reported, not only the first."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click

from barrelman_sync.command.conflicts import conflicts
from barrelman_sync.command.misspelled import misspelled
from barrelman_sync.command.parameters import wrong_values
from barrelman_sync.command.values import ignored_namespaces
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import (
    Color,
    DeleteLimit,
    EndpointRules,
    GkeCluster,
    InCluster,
    Kubeconfig,
    MetricsRules,
    NodeRules,
    Output,
    RemoteEndpoint,
    RunRules,
    Safety,
    Scope,
    Settings,
)

Values = Mapping[str, Any]


def settings_of(ctx: click.Context, values: Values) -> Settings:
    """The settings, from the values of the options. Raises ConfigurationError with every problem there is."""
    wrong = wrong_values(ctx)
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    problems = [*wrong.values(), *conflicts(_given(values, wrong), in_pod=in_pod), *misspelled(os.environ)]
    if problems:
        raise ConfigurationError(*problems)
    return Settings(
        local=_local(values),
        remote=_remote(values),
        scope=_scope(values),
        nodes=NodeRules(
            values["node_selector"] or (), tuple(values["allowed_node_cidr"]), values["use_excluded_nodes"]
        ),
        endpoints=EndpointRules(
            slices=values["endpoint_slices"],
            max_endpoints=values["max_endpoints"],
            prefer_same_zone=values["prefer_same_zone"],
        ),
        safety=Safety(values["max_deletes"] or DeleteLimit(), values["allow_mass_delete"], values["delete_grace"]),
        run=_run(values),
        metrics=MetricsRules(values["metrics_file"], values["pushgateway"]),
    )


def _given(values: Values, wrong: Iterable[str]) -> set[str]:
    """The names of the options that the user gave; an empty value and the endpoint `auto` count as not given."""
    given = {name for name, value in values.items() if value}.union(wrong)
    return given - {"remote_endpoint"} if values["remote_endpoint"] == RemoteEndpoint.AUTO else given


def _local(values: Values) -> Kubeconfig | InCluster:
    if values["local_kubeconfig"] or values["local_context"]:
        return Kubeconfig(values["local_kubeconfig"], values["local_context"])
    return InCluster()


def _remote(values: Values) -> Kubeconfig | GkeCluster:
    if not values["remote_project"]:
        return Kubeconfig(values["remote_kubeconfig"], values["remote_context"])
    return GkeCluster(
        project=values["remote_project"],
        location=values["remote_location"],
        name=values["remote_cluster_name"],
        endpoint=RemoteEndpoint(values["remote_endpoint"]),
        impersonate=values["impersonate_service_account"] or None,
    )


def _scope(values: Values) -> Scope:
    return Scope(
        source=values["remote_name"] or "",
        adopted_source=values["adopt_source"],
        namespaces=frozenset(values["namespace"]),
        ignored_namespaces=ignored_namespaces(values["ignore_namespace"]),
        service_selector=values["service_selector"] or (),
        include_loadbalancers=values["include_loadbalancers"],
        nodeports=values["nodeportsvc"],
        create_namespaces=not values["no_create_namespaces"],
    )


def _run(values: Values) -> RunRules:
    return RunRules(
        preflight=values["preflight"],
        explain=values["explain"],
        dry_run=values["dry_run"],
        detailed_exitcode=values["detailed_exitcode"],
        output=Output(values["output"]),
        quiet=values["quiet"],
        color=Color(values["color"]),
        expected_plan=values["expect_plan"],
        timeout=values["timeout"],
        concurrency=values["concurrency"],
    )
