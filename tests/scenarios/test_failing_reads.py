"""A list that fails, or is cut short, ends the run before its first write."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from lab.controlplane import ControlPlane
from lab.controlplane.objects import port
from tests.scenarios.command import Sync
from tests.scenarios.proxy import Answer, Proxy, cut, half, refuse
from tests.scenarios.views import is_there, node_port, set_ports

SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
LOCAL = ["/api/v1/namespaces", "/api/v1/services", "/api/v1/endpoints", SLICES]
REMOTE = ["/api/v1/namespaces/kube-system", "/api/v1/nodes", "/api/v1/services"]
FAULTS: dict[str, Callable[[Answer], None]] = {"403": refuse(403), "404": refuse(404)}
"""They last. Faults that may pass are tried until the end of the run."""


@pytest.fixture(autouse=True)
def changes_are_due(sync: Sync, remote: ControlPlane, nodes: list[str]) -> None:
    """Let every run want to create, update and delete."""
    remote.add(node_port("foo", "gone", 30080), node_port("foo", "moved", 30081))
    sync.converges()
    remote.api.delete("Service", "gone", "foo")
    set_ports(remote, "foo", "moved", port(80, "http", nodePort=30091))
    remote.add(node_port("foo", "new", 30082))


def fails_without_a_write(sync: Sync, proxy: Proxy, cluster: str, *options: str) -> None:
    run = sync(*proxy.options, *options)
    assert (run.exit_code, run.writes) == (1, []), run
    (line,) = run.stdout.splitlines()
    assert line.startswith("failed")
    assert f"in the {cluster} cluster failed" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def each_in_turn(sync: Sync, proxy: Proxy, cluster: str, paths: list[str], subtests: pytest.Subtests) -> None:
    for path, fault in product(paths, FAULTS):
        with subtests.test(f"{path} {fault}"):
            proxy.heal()
            proxy.spoil(path, FAULTS[fault])
            fails_without_a_write(sync, proxy, cluster)


def test_each_local_list_in_turn(sync: Sync, local_proxy: Proxy, subtests: pytest.Subtests) -> None:
    each_in_turn(sync, local_proxy, "local", LOCAL, subtests)


def test_each_remote_list_in_turn(sync: Sync, remote_proxy: Proxy, subtests: pytest.Subtests) -> None:
    each_in_turn(sync, remote_proxy, "remote", REMOTE, subtests)


PASSING: dict[str, Callable[[Answer], None]] = {"500": refuse(500), "half": half, "cut": cut}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_could_pass_and_does_not(
    sync: Sync, local_proxy: Proxy, remote_proxy: Proxy, fault: Callable[[Answer], None]
) -> None:
    for proxy, cluster in ((local_proxy, "local"), (remote_proxy, "remote")):
        proxy.spoil("/api/v1/services", fault)
        fails_without_a_write(sync, proxy, cluster, "--timeout", "6s")


def test_a_later_page(sync: Sync, remote_proxy: Proxy, subtests: pytest.Subtests) -> None:
    remote_proxy.limit = 1
    for path, fault in product(REMOTE[1:], FAULTS):
        with subtests.test(f"{path} {fault}"):
            pages: list[Answer] = []

            def second(answer: Answer, pages: list[Answer] = pages, fault: str = fault) -> None:
                pages.append(answer)
                if len(pages) == 2:
                    FAULTS[fault](answer)

            remote_proxy.heal()
            remote_proxy.spoil(path, second)
            fails_without_a_write(sync, remote_proxy, "remote")
            assert len(pages) == 2


def test_a_list_that_expires_on_the_way_is_begun_once_more(
    sync: Sync, local: ControlPlane, remote_proxy: Proxy
) -> None:
    answers: list[int] = []

    def second(answer: Answer) -> None:
        answers.append(answer.status)
        if len(answers) == 2:
            refuse(410)(answer)

    remote_proxy.limit = 1
    remote_proxy.spoil("/api/v1/services", second)
    assert sync(*remote_proxy.options).exit_code == 0
    assert len(answers) > 3
    assert is_there(local, "foo", "gone") == (False, False)
    sync.writes_nothing()


def test_a_fault_that_passes_is_waited_for(sync: Sync, local: ControlPlane, remote_proxy: Proxy) -> None:
    answers: list[int] = []

    def first(answer: Answer) -> None:
        answers.append(answer.status)
        if len(answers) == 1:
            refuse(503)(answer)

    remote_proxy.spoil("/api/v1/nodes", first)
    run = sync(*remote_proxy.options)
    assert run.exit_code == 0
    assert "Trying again" in run.stderr
    sync.writes_nothing()
