"""Which options contradict each other or are missing. Pure.

This module compares several options; a `parse_` function in `values` checks the value of one option.
"""

from collections.abc import Collection, Iterable, Iterator

_GKE = ("remote_project", "remote_location", "remote_cluster_name")
_GKE_MORE = ("remote_endpoint", "impersonate_service_account")
_KUBECONFIG = ("remote_kubeconfig", "remote_context")
_NOT_EXPLAINED = ("preflight", "detailed_exitcode", "expect_plan")
_LOCAL = ("local_kubeconfig", "local_context")


def conflicts(given: Collection[str], *, in_pod: bool) -> Iterator[str]:
    """Every problem with the options whose names are `given`, as a sentence.

    An option with a wrong value counts as given, so that the option is not reported as missing, too.
    """
    yield from _remote(given)
    if not in_pod and not _those(_LOCAL, given):
        yield "Missing local cluster: outside a pod, give '--local-kubeconfig' or '--local-context'."
    if "detailed_exitcode" in given and "dry_run" not in given:
        yield "'--detailed-exitcode' requires '--dry-run'."
    if "prefer_same_zone" in given and "endpoint_slices" not in given:
        yield "'--prefer-same-zone' requires '--endpoint-slices'."
    if "expect_plan" in given and "preflight" in given:
        yield "Give either '--preflight' or '--expect-plan': a preflight makes no plan."
    if "explain" in given and (others := _those(_NOT_EXPLAINED, given)):
        yield f"Give '--explain' without {_options(others)}: it tells about one Service, and writes nothing."


def _remote(given: Collection[str]) -> Iterator[str]:
    """Why the options name no remote cluster, or more than one."""
    gke, more, kubeconfig = _those(_GKE, given), _those(_GKE_MORE, given), _those(_KUBECONFIG, given)
    missing = [name for name in _GKE if name not in given]
    if gke and kubeconfig:
        yield f"Two remote clusters: give either {_options(gke)} or {_options(kubeconfig)}."
    elif gke and missing:
        yield f"Missing {_options(missing)}: a GKE cluster needs {_options(_GKE)}."
    elif not gke and not kubeconfig:
        yield (
            f"Missing remote cluster: give {_options(_GKE)} for a GKE cluster,"
            " or '--remote-kubeconfig' or '--remote-context' for any other cluster."
        )
    if more and not gke:
        yield f"{_options(more)} can only be used for a GKE cluster: give {_options(_GKE)}."


def _those(names: Iterable[str], given: Collection[str]) -> list[str]:
    return [name for name in names if name in given]


def _options(names: Iterable[str]) -> str:
    *others, last = [f"'--{name.replace('_', '-')}'" for name in names]
    return f"{', '.join(others)} and {last}" if others else last
