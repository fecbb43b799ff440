"""Tries to connect to many addresses at once, for a few seconds at the most."""

import errno
import selectors
import socket
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from barrelman_sync.deadline import CONNECT_SECONDS, Deadline

_POLL_SECONDS = 0.1
_REACHED = frozenset({0, errno.ECONNREFUSED, errno.ECONNRESET})


class Target(NamedTuple):
    """An IP address and a port."""

    address: str
    port: int


class Answer(NamedTuple):
    """What came back: the error number of the connection, 0 for success, None for silence."""

    code: int | None

    @property
    def reached(self) -> bool:
        """Whether the packets arrived: a node that refuses a connection has seen it, a firewall says nothing."""
        return self.code in _REACHED


def probe(targets: Iterable[Target], deadline: Deadline) -> Mapping[Target, Answer]:
    """Connects to all targets at the same time. Returns at the latest when the deadline is over."""
    found: dict[Target, Answer] = {}
    end = time.monotonic() + CONNECT_SECONDS
    with selectors.DefaultSelector() as waiting:
        for target in dict.fromkeys(targets):
            if (code := _start(target, waiting)) is not None:
                found[target] = Answer(code)
        while waiting.get_map() and time.monotonic() < end and not deadline.over():
            for key, _ in waiting.select(_POLL_SECONDS):
                found[key.data] = Answer(_finish(key, waiting))
        for key in [*waiting.get_map().values()]:
            _finish(key, waiting)
            found[key.data] = Answer(None)
    return found


def _start(target: Target, waiting: selectors.BaseSelector) -> int | None:
    """Starts to connect. Returns the error number if that is over at once, None if it goes on."""
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    try:
        connection = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # no such family here
        return error.errno
    connection.settimeout(0)
    code = connection.connect_ex(target)
    if code == errno.EINPROGRESS:
        waiting.register(connection, selectors.EVENT_WRITE, target)
        return None
    connection.close()
    return code


def _finish(key: selectors.SelectorKey, waiting: selectors.BaseSelector) -> int:
    """Closes the connection. Returns its error number."""
    waiting.unregister(key.fileobj)
    connection = key.fileobj
    assert isinstance(connection, socket.socket)  # noqa: S101 - what `_start` registered
    with connection:
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
