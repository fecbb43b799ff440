"""Two runs of different endpoint modes at once: one mode survives, whichever run comes first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.controlplane import ControlPlane, wait_until
from tests.endpoints.views import MIRRORING, SLICES, addresses, slices
from tests.endpoints.watching import watched
from tests.scenarios.command import Run, Sync
from tests.scenarios.proxy import Pause, Proxy
from tests.scenarios.views import node_port

ENDPOINTS_PATH, SLICES_PATH = "/endpoints/bar", "/endpointslices/bar-barrelman"
MODES = {"slices": (SLICES,), "Endpoints": ()}
STAYS = {"slices": SLICES_PATH, "Endpoints": ENDPOINTS_PATH}
GOES = {"slices": ENDPOINTS_PATH, "Endpoints": SLICES_PATH}
OTHER = {"slices": "Endpoints", "Endpoints": "slices"}

pytestmark = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(autouse=True)
def served_twice(sync: Sync, remote: ControlPlane, local: ControlPlane, nodes: list[str]) -> Iterator[None]:
    """Give the mirror slices and Endpoints with copies, so that a run of either mode only has to delete the others.

    Callers have endpoints all the time, and a run that is alone afterwards converges.
    """
    remote.add(node_port("foo", "bar", 30080))
    sync(SLICES)
    sync()
    wait_until(lambda: sorted(addresses(slices(local, "foo", "bar", MIRRORING))) == nodes, "the mirrored slices")
    with watched(local, "foo", "bar") as seen:
        yield
        local.settle()
        sync.converges(SLICES)
    assert seen.always == {(ip, "http", 30080) for ip in nodes}


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_one_runs_while_the_other_waits_with_a_request(sync: Sync, local_proxy: Proxy, mode: str, verb: str) -> None:
    """The other waits before it writes what stays, or before it deletes what goes."""
    runs: list[Run] = []
    other = MODES[OTHER[mode]]
    local_proxy.before(verb, (STAYS if verb == "PATCH" else GOES)[mode], lambda: runs.append(sync(*other)))
    run = sync(*local_proxy.options, *MODES[mode])
    assert run.exit_code == 1, run
    assert [inner.exit_code for inner in runs] == [0]
    assert "409" in run.stdout or "404" in run.stdout, run


def test_both_write_before_either_deletes(sync: Sync, local_proxy: Proxy, mode: str) -> None:
    other = OTHER[mode]
    has_read, has_written = Pause(), Pause()
    local_proxy.before("PATCH", STAYS[mode], has_read)
    local_proxy.before("DELETE", GOES[other], has_written)
    one = sync.start(*local_proxy.options, *MODES[mode])
    has_read.wait()
    two = sync.start(*local_proxy.options, *MODES[other])
    has_written.wait()
    has_read.end()
    first = one.finish()
    has_written.end()
    second = two.finish()
    assert (first.exit_code, second.exit_code) == (1, 1), (first, second)


def test_one_reads_after_the_other_has_written(sync: Sync, local_proxy: Proxy, mode: str) -> None:
    other = OTHER[mode]
    has_written, has_read = Pause(), Pause()
    local_proxy.before("DELETE", GOES[mode], has_written)
    one = sync.start(*local_proxy.options, *MODES[mode])
    has_written.wait()
    local_proxy.before("PATCH", STAYS[other], has_read)
    two = sync.start(*local_proxy.options, *MODES[other])
    has_read.wait()
    has_written.end()
    first = one.finish()
    has_read.end()
    second = two.finish()
    assert (first.exit_code, second.exit_code) == (0, 1), (first, second)
