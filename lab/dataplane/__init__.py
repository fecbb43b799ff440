"""Nodes, kube-proxy, CoreDNS and pods for the control planes, in network namespaces: see docs/testing.md."""

from lab.dataplane.calls import Call, Load, Tally
from lab.dataplane.cluster import Cluster, Pod
from lab.dataplane.lab import data_planes
from lab.dataplane.machine import NoDataPlane
from lab.dataplane.node import Node

__all__ = ["Call", "Cluster", "Load", "NoDataPlane", "Node", "Pod", "Tally", "data_planes"]
