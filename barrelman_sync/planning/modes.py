"""Which endpoint mode the user chose. Pure."""

from barrelman_sync.model.settings import EndpointRules
from barrelman_sync.planning.endpoints_mode import EndpointsMode
from barrelman_sync.planning.slices_mode import SlicesMode
from barrelman_sync.planning.targets import EndpointMode

ENDPOINTS: EndpointMode = EndpointsMode()
SLICES: EndpointMode = SlicesMode()


def chosen_mode(rules: EndpointRules) -> EndpointMode:
    """The mode in which a run writes endpoints, see `--endpoint-slices`."""
    return SLICES if rules.slices else ENDPOINTS
