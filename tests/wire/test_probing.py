"""What a connection to a node port may meet. Silence needs a network of its own: tests/wire/test_preflight.py."""

from __future__ import annotations

import errno
import socket

import pytest

from barrelman_sync.deadline import Deadline
from barrelman_sync.preflight.probing import Answer, Target, probe


def test_a_port_that_accepts_and_a_port_that_refuses_are_both_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        accepting = Target("127.0.0.1", server.getsockname()[1])
        refusing = Target("127.0.0.1", reserved.getsockname()[1])
        answers = probe([accepting, refusing, accepting], Deadline(30))
    assert {target: answer.code for target, answer in answers.items()} == {accepting: 0, refusing: errno.ECONNREFUSED}
    assert all(answer.reached for answer in answers.values())


@pytest.mark.parametrize(
    ("code", "reached"),
    [(0, True), (errno.ECONNRESET, True), (errno.EHOSTUNREACH, False), (errno.ENETUNREACH, False), (None, False)],
)
def test_what_counts_as_reached(code: int | None, *, reached: bool) -> None:
    assert Answer(code).reached is reached


def test_a_run_that_is_over_waits_for_nobody() -> None:
    """The queue of this server is full, so it leaves more connections without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        target = Target("127.0.0.1", server.getsockname()[1])
        waiting = [socket.socket() for _ in range(8)]
        for connection in waiting:
            connection.setblocking(False)  # noqa: FBT003 - the name of the argument is not public
            connection.connect_ex(target)
        stopped = Deadline(30)
        stopped.stop("the run was interrupted (SIGTERM)")
        assert probe([target], stopped) == {target: Answer(None)}
        for connection in waiting:
            connection.close()
