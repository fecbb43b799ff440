"""The change of one field, as text for people and as values for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from barrelman_sync.model.names import EndpointPort, ServicePort
from barrelman_sync.planning.changes import OWNERS, Addresses, Change, Form, Value, Zones

SHOWN_ADDRESSES = 6
_FORMS = {Form.IRREGULAR: "more than plain, ready addresses", Form.REGULAR: "plain, ready addresses"}


def change_text(change: Change, nodes: Mapping[str, str]) -> str:
    """`path: before -> after`; for addresses, what comes and what goes: `path: +10.0.0.2 (node-b) -10.0.0.3`.

    For zones, it is `path: 10.0.0.2 (node-b) before -> after`.

    `nodes` has the names of nodes by address.
    """
    if isinstance(change.before, Addresses) and isinstance(change.after, Addresses):
        signed = [(address, "-") for address in _only_in(change.before, change.after)]
        signed += [(address, "+") for address in _only_in(change.after, change.before)]
        return f"{change.path}: {addresses_text(sign + _named(address, nodes) for address, sign in sorted(signed))}"
    if isinstance(change.before, Zones) and isinstance(change.after, Zones):
        return f"{change.path}: {_zones_text(change.before, change.after, nodes)}"
    after = "the new Service" if change.path == OWNERS and change.after is None else _text(change.after)
    return f"{change.path}: {_text(change.before)} -> {after}"


def change_values(change: Change) -> dict[str, Any]:
    """The path, and the values before and after (of zones, by address); for addresses, those removed and added."""
    if isinstance(change.before, Addresses) and isinstance(change.after, Addresses):
        removed, added = _only_in(change.before, change.after), _only_in(change.after, change.before)
        return {"path": change.path, "removed": removed, "added": added}
    return {"path": change.path, "before": _plain(change.before), "after": _plain(change.after)}


def _zones_text(before: Zones, after: Zones, nodes: Mapping[str, str]) -> str:
    """The zones of the first few addresses, before and after."""
    pairs = zip(before, after, strict=True)
    every = [f"{_named(address, nodes)} {old or 'none'} -> {new or 'none'}" for (address, old), (_, new) in pairs]
    more = len(every) - SHOWN_ADDRESSES
    return ", ".join(every[:SHOWN_ADDRESSES]) + (f" and {more} more" if more > 0 else "")


def addresses_text(addresses: Iterable[str]) -> str:
    """The first few addresses, and how many more there are."""
    every = list(addresses)
    more = len(every) - SHOWN_ADDRESSES
    return " ".join(every[:SHOWN_ADDRESSES]) + (f" and {more} more" if more > 0 else "")


def port_text(port: ServicePort) -> str:
    """A port of a Service, such as `http:80/TCP->30080`."""
    name = f"{port.name}:" if port.name else ""
    return f"{name}{_unnamed_port_text(port)}"


def _unnamed_port_text(port: ServicePort) -> str:
    number = f"{port.port}/{port.protocol}->{port.target_port}"
    node_port = f" nodePort {port.node_port}" if port.node_port else ""
    return number + node_port + (f" {port.app_protocol}" if port.app_protocol else "")


def _endpoint_port_text(port: EndpointPort) -> str:
    name = f"{port.name}:" if port.name else ""
    return f"{name}{port.port}/{port.protocol}" + (f" {port.app_protocol}" if port.app_protocol else "")


def _text(value: Value) -> str:
    match value:
        case None:
            return "none"
        case Form():
            return _FORMS[value]
        case ServicePort():
            return _unnamed_port_text(value)
        case frozenset():
            return ", ".join(sorted(value))
        case tuple():
            return ", ".join(_endpoint_port_text(port) for port in value if isinstance(port, EndpointPort))
        case _:
            return str(value)


def _plain(value: Value) -> Any:
    match value:
        case ServicePort():
            return port_values(value)
        case frozenset():
            return sorted(value)
        case Zones():
            return {address: zone or None for address, zone in value}
        case tuple():
            return [_plain_endpoint_port(port) for port in value if isinstance(port, EndpointPort)]
        case str():  # a Form, too, which YAML could not write
            return str(value)
        case _:
            return value


def port_values(port: ServicePort) -> dict[str, Any]:
    """A port of a Service for programs: the fields that are set."""
    fields = {
        "name": port.name,
        "protocol": port.protocol,
        "port": port.port,
        "targetPort": port.target_port,
        "nodePort": port.node_port,
        "appProtocol": port.app_protocol,
    }
    return {name: found for name, found in fields.items() if found}


def _plain_endpoint_port(port: EndpointPort) -> dict[str, Any]:
    fields = {"name": port.name, "protocol": port.protocol, "port": port.port, "appProtocol": port.app_protocol}
    return {name: found for name, found in fields.items() if found}


def _only_in(these: Addresses, others: Addresses) -> list[str]:
    return sorted(set(these) - set(others))


def _named(address: str, nodes: Mapping[str, str]) -> str:
    return f"{address} ({nodes[address]})" if address in nodes else address
