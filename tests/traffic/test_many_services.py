"""Many services at once: a run that changes half of them takes nothing from the callers of the others."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain

from lab.controlplane.objects import port, service
from lab.dataplane import Tally
from tests.scenarios.origins import Mode, in_both_modes
from tests.scenarios.views import set_ports
from tests.traffic.lab import HTTP, NAMESPACE, Lab

ADMIN = port(81, "admin", targetPort=8081)
COUNTS = {"unchanged": 15, "extended": 5, "renumbered": 5, "gone": 5}
"""What happens to how many services.

In a user namespace, nft sends 208 KB at once. kube-proxy writes all its rules at once, at the latest after a failure,
and the rules of 60 such services are longer: it logs "Message too long", and never recovers.
"""
NAMES = {kind: [f"{kind}-{number:02}" for number in range(count)] for kind, count in COUNTS.items()}
ALL = [*chain(*NAMES.values())]
FIRST_NEW = 30000  # Kubernetes itself takes these node ports last


def url(name: str) -> str:
    return f"http://{name}.{NAMESPACE}.svc.cluster.local/"


@in_both_modes
def test_half_of_the_services_change_and_the_callers_of_the_others_lose_nothing(lab: Lab, mode: Mode) -> None:
    serve_all(lab)
    lab.mirror(*mode)
    with lab.load(*map(url, ALL)) as load:
        load.go_on(500)
        change_half(lab)
        lab.mirror("--allow-mass-delete", *mode)
        there = time.time()
        load.go_on(500)
    calls = {kind: of(load.tally, names) for kind, names in NAMES.items()}
    for kind, tally in calls.items():
        lab.tell(kind, tally)
    assert calls["unchanged"].failed == 0
    assert all(load.tally.of(url(name)).answered >= 10 for name in NAMES["unchanged"])
    assert calls["extended"].failed == 0
    assert calls["renumbered"].since(there).failed == 0
    assert set(calls["gone"].since(there).errors) == {"no_such_name"}
    assert calls["gone"].since(there).answered == 0


def serve_all(lab: Lab) -> None:
    """Create all services at the remote, all with the same three pods."""
    for node in lab.remote.nodes:
        lab.remote.pod(NAMESPACE, "all", on=node)
    lab.remote.plane.add(*(service(NAMESPACE, name, HTTP, selector={"app": "all"}) for name in ALL))
    lab.remote.settle()


def change_half(lab: Lab) -> None:
    """Change the services at the remote, one after the other, and return when its nodes know."""
    for name in NAMES["extended"]:
        set_ports(lab.remote.plane, NAMESPACE, name, HTTP, ADMIN)
    for number, name in enumerate(NAMES["renumbered"], FIRST_NEW):
        set_ports(lab.remote.plane, NAMESPACE, name, {**HTTP, "nodePort": number})
    for name in NAMES["gone"]:
        lab.remote.api.delete("Service", name, NAMESPACE)
    lab.remote.settle()


def of(tally: Tally, names: Iterable[str]) -> Tally:
    """Return the calls of these services."""
    urls = {url(name) for name in names}
    return Tally([call for call in tally.calls if call.url in urls])
