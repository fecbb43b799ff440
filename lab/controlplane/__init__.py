"""Real Kubernetes control planes for tests: see docs/testing.md."""

from lab.controlplane.api import Api, ApiError, Object
from lab.controlplane.audit import Request
from lab.controlplane.build import NoControlPlane, binaries
from lab.controlplane.cluster import ControlPlane, ControlPlaneError, control_planes
from lab.controlplane.options import CONTROLLERS, Options
from lab.controlplane.waiting import wait_until

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
    "binaries",
    "control_planes",
    "wait_until",
]
