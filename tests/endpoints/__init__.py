"""Endpoints on two real control planes: EndpointSlices, families, traffic policy, many nodes (docs/design.md)."""
