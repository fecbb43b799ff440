"""A hundred services at once: a run that changes half of them takes nothing from the callers of the others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from lab.controlplane.objects import port, service
from lab.dataplane import Tally
from tests.scenarios.origins import Mode, in_both_modes
from tests.scenarios.views import set_ports
from tests.traffic.lab import HTTP, NAMESPACE, Lab

ADMIN = port(81, "admin", targetPort=8081)
RATE = 250  # calls a second: 2.5 to each service
UNCHANGED, EXTENDED, RENUMBERED, GONE = (
    [f"{kind}-{number:02}" for number in range(count)]
    for kind, count in {"unchanged": 50, "extended": 20, "renumbered": 15, "gone": 15}.items()
)
FIRST_NEW = 30000  # Kubernetes itself takes these node ports last


def url(name: str) -> str:
    return f"http://{name}.{NAMESPACE}.svc.cluster.local/"


@in_both_modes
def test_fifty_services_change_and_the_callers_of_the_other_fifty_lose_nothing(lab: Lab, mode: Mode) -> None:
    names = [*UNCHANGED, *EXTENDED, *RENUMBERED, *GONE]
    serve_all(lab, names)
    lab.mirror(*mode)
    with lab.load(*map(url, names), rate=RATE) as load:
        load.go_on(500)
        change_fifty(lab)
        lab.mirror("--allow-mass-delete", *mode)
        there = time.time()
        load.go_on(500)
    calls = {names[0].partition("-")[0]: of(load.tally, names) for names in (UNCHANGED, EXTENDED, RENUMBERED, GONE)}
    for kind, tally in calls.items():
        lab.tell(kind, tally)
    assert calls["unchanged"].failed == 0
    assert all(load.tally.of(url(name)).answered >= 10 for name in UNCHANGED)
    assert calls["extended"].failed == 0
    assert calls["renumbered"].since(there).failed == 0
    assert set(calls["gone"].since(there).errors) == {"no_such_name"}
    assert calls["gone"].since(there).answered == 0


def serve_all(lab: Lab, names: Sequence[str]) -> None:
    """Create these services at the remote, all with the same three pods."""
    for node in lab.remote.nodes:
        lab.remote.pod(NAMESPACE, "all", on=node)
    lab.remote.plane.add(*(service(NAMESPACE, name, HTTP, selector={"app": "all"}) for name in names))
    lab.remote.settle()


def change_fifty(lab: Lab) -> None:
    """Change the services at the remote, one after the other, and return when its nodes know."""
    for name in EXTENDED:
        set_ports(lab.remote.plane, NAMESPACE, name, HTTP, ADMIN)
    for number, name in enumerate(RENUMBERED, FIRST_NEW):
        set_ports(lab.remote.plane, NAMESPACE, name, {**HTTP, "nodePort": number})
    for name in GONE:
        lab.remote.api.delete("Service", name, NAMESPACE)
    lab.remote.settle()


def of(tally: Tally, names: Iterable[str]) -> Tally:
    """Return the calls of these services."""
    urls = {url(name) for name in names}
    return Tally([call for call in tally.calls if call.url in urls])
