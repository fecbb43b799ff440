"""What happens between our lists and our writes: whoever wrote then is never overwritten."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from lab.controlplane import ApiError, ControlPlane, wait_until
from lab.controlplane.objects import endpoints, port, service
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Pause, Proxy, cut
from tests.scenarios.views import edit, ips, is_there, mirror_of, node_port, ports, set_ports, unchanged

pytestmark = pytest.mark.usefixtures("nodes")


def test_a_service_that_appears_stays_untouched(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(node_port("foo", "bar", 30080), node_port("fine", "bar", 30081))
    local_proxy.before("PATCH", "/foo/services/bar", lambda: local.add(service("foo", "bar", port(8080))))
    run = sync(*local_proxy.options)
    assert run.exit_code == 1
    assert "409" in run.line("Service", "foo/bar", "failed")
    stranger = local.api.get("Service", "bar", "foo")
    assert {entry["manager"] for entry in stranger["metadata"]["managedFields"]} == {"tests"}
    assert "patch endpoints foo/bar" not in str(run.writes)
    assert is_there(local, "fine", "bar") == (True, True)
    assert "a local Service with this name already exists" in sync.writes_nothing().line("foo/bar")
    assert unchanged(stranger, local.api.get("Service", "bar", "foo"))


def test_the_summary_counts_what_was_done(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local.ensure_namespace("foo")
    local_proxy.before("PATCH", "/foo/services/bar", lambda: local.add(service("foo", "bar", port(8080))))
    summary = sync(*local_proxy.options).stdout.splitlines()[-1]
    assert summary.startswith("failed: 0 created, 0 updated, 0 deleted")


def test_endpoints_that_appear_stay_untouched_in_this_run(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy, nodes: list[str]
) -> None:
    remote.add(node_port("foo", "bar", 30080))
    local_proxy.before("PATCH", "/endpoints/bar", lambda: local.add(endpoints("foo", "bar", "10.9.9.9")))
    run = sync(*local_proxy.options)
    assert run.exit_code == 1
    assert "409" in run.line("Endpoints", "foo/bar", "failed")
    assert ips(local, "foo", "bar") == ["10.9.9.9"]
    sync.converges()
    assert ips(local, "foo", "bar") == nodes


def recreated(local: ControlPlane) -> None:
    local.api.delete("Service", "bar", "foo")
    wait_until(lambda: is_there(local, "foo", "bar") == (False, False), "the Endpoints to go with their Service")
    local.add(service("foo", "bar"))


def edited(local: ControlPlane) -> None:
    edit(local, "foo", "bar", {"spec": {"selector": {"app": "bar"}}})


@pytest.mark.parametrize("change", [recreated, edited])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_mirror_that_changed_since_the_list_is_neither_updated_nor_deleted(
    sync: Sync, local_proxy: Proxy, method: str, change: Callable[[ControlPlane], None]
) -> None:
    remote, local = sync.remote, sync.local
    remote.add(node_port("foo", "bar", 30080))
    sync.converges()
    if method == "PATCH":
        set_ports(remote, "foo", "bar", port(80, "http", nodePort=30081))
    else:
        remote.api.delete("Service", "bar", "foo")
    local_proxy.before(method, "/services/bar", lambda: change(local))
    run = sync(*local_proxy.options)
    if (method, change) == ("DELETE", recreated):
        assert run.exit_code == 0, run  # the mirror is gone, and this is another object
    else:
        assert run.exit_code == 1, run
        assert "409" in run.line("Service", "foo/bar", "failed")
    assert local.api.get("Service", "bar", "foo")["spec"]["selector"] == {"app": "bar"}


def test_a_second_run_that_was_faster_is_no_failure(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    remote.add(*(node_port("foo", name, 30080 + number) for number, name in enumerate(("bar", "moved", "gone"))))
    for _ in ("create", "update and delete"):
        pause = Pause()
        local_proxy.before("PATCH", "/foo", pause)
        slow = sync.start(*local_proxy.options)
        pause.wait()
        assert sync().exit_code == 0
        pause.end()
        run = slow.finish()
        assert run.exit_code == 0, run
        sync.writes_nothing()
        set_ports(remote, "foo", "moved", port(8080, "http", nodePort=30090))
        if remote.api.find("Service", "gone", "foo"):
            remote.api.delete("Service", "gone", "foo")
    assert ports(mirror_of(local, "foo", "moved")) == [("http", "TCP", 8080, 30090)]
    assert is_there(local, "foo", "gone") == (False, False)


def test_a_look_at_what_a_delete_left_that_fails_ends_the_run_with_a_message(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy
) -> None:
    """Somebody removes the Endpoints before us, so our own delete gets a 404 and looks once more.

    Up to Kubernetes 1.36 the API server itself removes Endpoints with their Service.
    """
    remote.add(node_port("foo", "bar", 30080), node_port("foo", "other", 30081))
    sync.converges()
    remote.api.delete("Service", "bar", "foo")
    local_proxy.before("DELETE", "/endpoints/bar", lambda: _remove_endpoints(local, "foo", "bar"))
    local_proxy.spoil("/api/v1/namespaces/foo/endpoints/bar", cut)
    run = sync("--timeout", "10s", *local_proxy.options)
    assert run.exit_code == 1, run
    assert "delete endpoints foo/bar 404" in run.writes
    assert "reading Endpoints foo/bar in the local cluster failed: no connection to" in run.line("foo/bar", "failed")
    assert is_there(local, "foo", "bar") == (False, False)
    sync.writes_nothing()


def _remove_endpoints(local: ControlPlane, namespace: str, name: str) -> None:
    with suppress(ApiError):
        local.api.delete("Endpoints", name, namespace)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_after_the_requests_in_flight(
    sync: Sync, remote: ControlPlane, local: ControlPlane, local_proxy: Proxy, number: signal.Signals
) -> None:
    remote.add(*(node_port("foo", f"s{count}", 30080 + count) for count in range(3)))
    local.ensure_namespace("foo")
    pause = Pause()
    local_proxy.before("PATCH", "/services/s0", pause)
    running = sync.start("--concurrency", "1", *local_proxy.options)
    pause.wait()
    os.kill(running.pid, number)
    pause.end()
    run = running.finish()
    assert run.exit_code == 1, run
    assert run.writes == ["patch services foo/s0 201"]
    assert f"the run was interrupted ({number.name})" in run.line("! Service", "foo/s1", "not tried")
    assert "Traceback" not in run.stderr
    sync.converges()
    assert len(local.api.list("Endpoints", "foo")) == 3
