"""Real Kubernetes control planes for tests: see docs/testing.md."""

from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.audit import Request
from tests.controlplane.build import NoControlPlane, binary
from tests.controlplane.cluster import ControlPlane, ControlPlaneError, control_planes
from tests.controlplane.options import CONTROLLERS, Options
from tests.controlplane.waiting import wait_until

__all__ = [
    "CONTROLLERS",
    "Api",
    "ApiError",
    "ControlPlane",
    "ControlPlaneError",
    "NoControlPlane",
    "Object",
    "Options",
    "Request",
    "binary",
    "control_planes",
    "wait_until",
]
