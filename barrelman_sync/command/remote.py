"""Which remote cluster the options name, and what is wrong with those options taken together. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from barrelman_sync.command.values import parse_email, parse_resource
from barrelman_sync.model.settings import GkeCluster, Kubeconfig, RemoteEndpoint

Values = Mapping[str, Any]

_GKE = ("remote_project", "remote_location", "remote_cluster_name")
_GKE_MORE = ("remote_endpoint", "impersonate_service_account")
_KUBECONFIG = ("remote_kubeconfig", "remote_context")
_PARSED: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(_GKE, parse_resource),
    "impersonate_service_account": parse_email,
}


def remote_of(values: Values) -> Kubeconfig | GkeCluster:
    """The remote cluster, where `remote_problems` has none."""
    if not values["remote_project"]:
        return Kubeconfig(values["remote_kubeconfig"], values["remote_context"])
    return GkeCluster(
        project=values["remote_project"],
        location=values["remote_location"],
        name=values["remote_cluster_name"],
        endpoint=RemoteEndpoint(values["remote_endpoint"]),
        impersonate=values["impersonate_service_account"],
    )


def remote_problems(values: Values) -> list[str]:
    """Every reason for which these options name no remote cluster, or more than one."""
    gke, kubeconfig = _given(values, _GKE), _given(values, _KUBECONFIG)
    more = [name for name in _given(values, _GKE_MORE) if values[name] != RemoteEndpoint.AUTO]
    missing = [name for name in _GKE if name not in gke]
    problems = _wrong_values(values)
    if gke and kubeconfig:
        both = f"{_options(gke)} and {_options(kubeconfig)}"
        problems.append(f"Two remote clusters: {both} do not go together, a GKE cluster needs no kubeconfig.")
    elif gke and missing:
        problems.append(f"Missing {_options(missing)}: a GKE cluster is named by {_options(_GKE)} together.")
    elif not gke and not kubeconfig:
        problems.append(
            f"Missing the remote cluster: give {_options(_GKE)} for a GKE cluster,"
            " or '--remote-kubeconfig' or '--remote-context' for any other."
        )
    if more and not gke:
        problems.append(f"{_options(more)}: only for a GKE cluster, which is named by {_options(_GKE)}.")
    return problems


def _wrong_values(values: Values) -> list[str]:
    problems = []
    for name in _given(values, _PARSED):
        try:
            _PARSED[name](values[name])
        except ValueError as error:
            problems.append(f"Invalid value for {_options([name])}: {error}.")
    return problems


def _given(values: Values, names: Any) -> list[str]:
    return [name for name in names if values[name]]


def _options(names: Any) -> str:
    quoted = [f"'--{name.replace('_', '-')}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
