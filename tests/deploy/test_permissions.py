"""The shipped roles grant what runs ask for, and nothing else: compared with the API servers' audit logs, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.controlplane import ControlPlane, Object, Request, wait_until
from lab.controlplane.objects import port
from tests.deploy.manifests import load, only, permissions
from tests.scenarios.command import NAMESPACE, Run, Sync, may
from tests.scenarios.proxy import Pause, Proxy, proxy_before
from tests.scenarios.views import edit, manual, node_port, set_ports

SLICES = "--endpoint-slices"
CREATED = 201
Permission = tuple[str, str, str, str]
GROUPS = {"endpointslices": "discovery.k8s.io"}
ALL_STEPS = {
    *(("create", kind) for kind in ("Namespace", "Service", "Endpoints", "EndpointSlice")),
    *((action, kind) for action in ("update", "delete") for kind in ("Service", "Endpoints", "EndpointSlice")),
    ("release", "Service"),
    ("mark", "Service"),
}


@pytest.fixture
def proxy(sync: Sync, local: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    with proxy_before(local, sync.local_token, tmp_path / "proxy", "--local-kubeconfig") as proxy:
        yield proxy


def granted(file: str, name: str) -> set[Permission]:
    return permissions(only(load(file), "ClusterRole", name))


def used(requests: list[Request], named: set[str]) -> set[Permission]:
    """Return the permissions that were needed; those of `named` verbs for one object count for that object alone."""
    found: set[Permission] = set()
    for request in requests:
        assert (request.subresource, request.status // 100 == 2 or request.status in (404, 409)) == ("", True), request
        name = request.name if request.verb in named else ""
        verbs = {request.verb, "create"} if (request.verb, request.status) == ("patch", CREATED) else {request.verb}
        found |= {(GROUPS.get(request.resource, ""), request.resource, name, verb) for verb in verbs}
    return found


class Story:
    """Runs in which every kind of step happens."""

    def __init__(self, sync: Sync, proxy: Proxy) -> None:
        self.sync, self.remote, self.local, self.proxy = sync, sync.remote, sync.local, proxy
        self.done: set[tuple[str, str]] = set()

    def run(self, *options: str) -> None:
        self._note(self.sync(*options, "-o", "json"))

    def slow_run(self, path: str, *options: str) -> None:
        """Begin a run, and let a second one be faster: what the first writes is then refused, so it looks again.

        `path` is a part of the path of the first run's write that waits.
        """
        pause = Pause()
        self.proxy.before("PATCH", path, pause)
        slow = self.sync.start(*options, *self.proxy.options)
        pause.wait()
        self.run(*options)
        pause.end()
        assert slow.finish().exit_code == 0

    def _note(self, run: Run) -> None:
        assert run.exit_code == 0, run
        self.done |= {(step["action"], step["kind"]) for step in run.document["steps"]}

    def tell(self) -> None:
        services = [node_port("foo", name, 30080 + number) for number, name in enumerate(("moved", "gone", "taken"))]
        self.remote.add(*services, node_port("foo", "picky", 30090, externalTrafficPolicy="Local"))
        self.local.add(manual("default", "manual", 30091))
        self.run("--dry-run")
        self.slow_run("/namespaces/foo")  # everything in it waits, too
        set_ports(self.remote, "foo", "moved", port(80, "http", nodePort=30099))
        self.remote.api.delete("Service", "gone", "foo")
        edit(self.local, "foo", "taken", {"spec": {"selector": {"app": "taken"}}})
        self.run("--delete-grace", "1h")
        self.run()
        self.slow_run("/", SLICES)
        set_ports(self.remote, "foo", "moved", port(80, "http", nodePort=30098))
        self.run(SLICES)
        self.run()
        self.local.settle()
        self.run()


@pytest.fixture
def story(sync: Sync, proxy: Proxy) -> Story:
    told = Story(sync, proxy)
    told.tell()
    return told


def test_every_permission_is_needed_and_no_other(story: Story) -> None:
    assert story.done >= ALL_STEPS
    local = story.local.requests("barrelman-sync")
    assert {request.user for request in local} == {f"system:serviceaccount:{NAMESPACE}:barrelman-sync"}
    assert used(local, set()) == granted("rbac.yaml", "barrelman-sync")
    remote = story.remote.requests("barrelman-sync")
    assert used(remote, {"get"}) == granted("rbac-remote.yaml", "barrelman-sync-remote")


def test_preflight_needs_no_more(sync: Sync) -> None:
    """Everybody may ask who they are and about their own permissions, by system:basic-user."""
    run = sync("--preflight")
    lines = [line for line in run.stdout.splitlines() if ": may" in line]
    assert lines and all(line.startswith("ok") for line in lines), run  # noqa: PT018 - two halves of one claim
    assert "ok   local cluster: it knows us as system:serviceaccount:barrelman-sync:" in run.stdout
    questions = {"selfsubjectaccessreviews", "selfsubjectreviews"}
    for plane, file in ((sync.local, "rbac.yaml"), (sync.remote, "rbac-remote.yaml")):
        asked = [request for request in plane.requests("barrelman-sync") if request.resource not in questions]
        name = file.removesuffix(".yaml").replace("rbac", "barrelman-sync")
        assert {permission[1:2] + permission[3:] for permission in used(asked, {"get"})} <= {
            permission[1:2] + permission[3:] for permission in granted(file, name)
        }


def test_the_viewer_may_make_dry_runs_alone(sync: Sync, local: ControlPlane) -> None:
    auditor = {"name": "auditor", "namespace": NAMESPACE}
    account: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": auditor}
    binding = only(load("rbac.yaml"), "ClusterRoleBinding")
    binding["metadata"]["name"] = "auditor"
    binding["roleRef"]["name"] = "barrelman-sync-viewer"
    binding["subjects"] = [{"kind": "ServiceAccount", **auditor}]
    local.add(account)
    local.api.create(binding)
    user = f"system:serviceaccount:{NAMESPACE}:auditor"
    wait_until(lambda: may(local, user, "list", "endpoints"), "the auditor's permissions")
    kubeconfig = local.kubeconfig(local.service_account_token(NAMESPACE, "auditor"), "auditor")
    options = ("--local-kubeconfig", str(kubeconfig))
    sync.remote.add(node_port("foo", "bar", 30080))
    assert "Service" in sync.writes_nothing("--dry-run", *options).line("+", "Service", "foo/bar")
    refused = sync(*options)
    assert (refused.exit_code, local.api.find("Service", "bar", "foo")) == (1, None)
    assert "403" in refused.stderr
