"""The Service foo/bar as tests look at it."""

from __future__ import annotations

from collections.abc import Mapping

from lab.controlplane import ControlPlane, Object, wait_until
from tests.endpoints.views import CONTROLLER, addresses, slices
from tests.endpoints.watching import Seen, Target
from tests.migration.conftest import POD_IP
from tests.scenarios.views import ips, labels

REMOTE: set[Target] = {("10.0.0.1", "http", 30080), ("10.0.0.2", "http", 30080)}
PODS: set[Target] = {(POD_IP, "http", 8080)}


def bar(local: ControlPlane) -> Object:
    return local.api.get("Service", "bar", "foo")


def others(obj: Object) -> tuple[Mapping[str, str], Mapping[str, str], Object]:
    """Return the labels and annotations that are not ours, and the spec."""
    annotations = obj["metadata"].get("annotations", {})
    theirs = [
        {key: value for key, value in found.items() if not key.startswith("tfw.io/") and value != "barrelman-sync"}
        for found in (labels(obj), annotations)
    ]
    return theirs[0], theirs[1], obj["spec"]


def held_by_us(obj: Object) -> bool:
    return any(entry["manager"] == "barrelman-sync" for entry in obj["metadata"]["managedFields"])


def wait_for_pods(local: ControlPlane) -> None:
    """Wait until Kubernetes has both kinds of endpoints for the pods."""
    wait_until(lambda: addresses(slices(local, "foo", "bar", CONTROLLER)) == [POD_IP], "the pod's slice")
    wait_until(lambda: ips(local, "foo", "bar") == [POD_IP], "the pod's Endpoints")
    local.settle()


def never_empty(seen: Seen) -> bool:
    """Say whether callers had somebody to call all the time."""
    return all(seen.states)


def at_last(seen: Seen) -> set[Target]:
    return set(seen.states[-1])
