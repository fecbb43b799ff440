"""A hundred services at once: a run that changes half of them takes nothing from the callers of the others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from lab.controlplane.objects import port, service
from lab.controlplane.releases import Release, chosen
from lab.dataplane import Tally
from tests.scenarios.origins import Mode, in_both_modes
from tests.scenarios.views import set_ports
from tests.traffic.lab import HTTP, NAMESPACE, Lab

ADMIN = port(81, "admin", targetPort=8081)
RATE = 250  # calls a second, to all services together
HUNDRED = {"unchanged": 50, "extended": 20, "renumbered": 15, "gone": 15}
FORTY = {"unchanged": 20, "extended": 8, "renumbered": 6, "gone": 6}
FIRST_NEW = 30000  # Kubernetes itself takes these node ports last


def all_names() -> dict[str, list[str]]:
    """Return the names of the services by what happens to them.

    Before 1.32, kube-proxy writes the rules of all Services at once (kubernetes/kubernetes#126013). In a user namespace
    it can send 208 KB at once ("Message too long" in its log), which is too little for a hundred.
    """
    oldest = min(chosen().local, chosen().remote)
    counts = HUNDRED if oldest >= Release((1, 32)) else FORTY
    return {kind: [f"{kind}-{number:02}" for number in range(count)] for kind, count in counts.items()}


def url(name: str) -> str:
    return f"http://{name}.{NAMESPACE}.svc.cluster.local/"


@in_both_modes
def test_half_of_the_services_change_and_the_callers_of_the_others_lose_nothing(lab: Lab, mode: Mode) -> None:
    names = all_names()
    every = [*chain(*names.values())]
    serve_all(lab, every)
    lab.mirror(*mode)
    with lab.load(*map(url, every), rate=RATE) as load:
        load.go_on(500)
        change_half(lab, names)
        lab.mirror("--allow-mass-delete", *mode)
        there = time.time()
        load.go_on(500)
    calls = {kind: of(load.tally, names[kind]) for kind in names}
    for kind, tally in calls.items():
        lab.tell(kind, tally)
    assert calls["unchanged"].failed == 0
    assert all(load.tally.of(url(name)).answered >= 10 for name in names["unchanged"])
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


def change_half(lab: Lab, names: Mapping[str, Sequence[str]]) -> None:
    """Change the services at the remote, one after the other, and return when its nodes know."""
    for name in names["extended"]:
        set_ports(lab.remote.plane, NAMESPACE, name, HTTP, ADMIN)
    for number, name in enumerate(names["renumbered"], FIRST_NEW):
        set_ports(lab.remote.plane, NAMESPACE, name, {**HTTP, "nodePort": number})
    for name in names["gone"]:
        lab.remote.api.delete("Service", name, NAMESPACE)
    lab.remote.settle()


def of(tally: Tally, names: Iterable[str]) -> Tally:
    """Return the calls of these services."""
    urls = {url(name) for name in names}
    return Tally([call for call in tally.calls if call.url in urls])
