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


def _node_ports(live: Live) -> frozenset[int]:
    return allocated(live.ports) if isinstance(live, LocalService) else frozenset()
