"""Which node ports a step takes, and which node ports it frees. Pure.

A node port is allocated in the whole cluster (pkg/registry/core/service/portallocator), so the step that takes a port
may have to wait for the step that frees the port.
"""

from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import allocated
from barrelman_sync.model.wanted import Mirror
from barrelman_sync.planning.steps import Create, Delete, Live, Update


def node_ports_taken(step: Create | Update) -> frozenset[int]:
    """The node ports that the step's Service does not have yet and gets with the step."""
    wanted = step.wanted.node_ports if isinstance(step.wanted, Mirror) else frozenset()
    return wanted - _node_ports(step.live) if isinstance(step, Update) else wanted


def node_ports_freed(step: Update | Delete) -> frozenset[int]:
    """The node ports that the step's Service has now and loses with the step."""
    wanted = step.wanted.node_ports if isinstance(step, Update) and isinstance(step.wanted, Mirror) else frozenset()
    return _node_ports(step.live) - wanted


def may_be_created(wanted: Mirror) -> bool:
    """Whether a server creates the mirror by one write, as far as the mirror's own ports are concerned.

    A server allocates a node port of a new Service once for each port number of the Service. So it refuses ports such
    as 80/TCP and 8080/UDP with one node port: that one is already allocated, by this very Service. An update to such
    ports passes, which is how the remote Service came to them (pkg/registry/core/service/storage/alloc.go).
    """
    number_of: dict[int, int] = {}
    return all(number_of.setdefault(port.node_port, port.port) == port.port for port in wanted.ports if port.node_port)


def _node_ports(live: Live) -> frozenset[int]:
    return allocated(live.ports) if isinstance(live, LocalService) else frozenset()
