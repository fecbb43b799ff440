"""In which ways a request goes wrong."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from tests.sweep.relay import Answer, Exchange, Fault, Position

BRIEF = ("2s", "10s", "45s")


def refused(exchange: Exchange) -> None:
    """Be an API server that restarts: it resets the request, and nobody listens for a moment."""
    exchange.close_for(0.2)
    exchange.reset()


def reset_before(exchange: Exchange) -> None:
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def hang(exchange: Exchange) -> None:
    exchange.hang()


def cut_body(exchange: Exchange) -> None:
    """End the connection in the middle of the answer."""
    exchange.say(exchange.forward(), part=0.5)


def half_body(exchange: Exchange) -> None:
    """Send half of the answer as if it were the whole."""
    answer = exchange.forward()
    answer.body = answer.body[: len(answer.body) // 2]
    exchange.say(answer)


def sigterm(exchange: Exchange) -> None:
    exchange.signal(signal.SIGTERM)
    exchange.say(exchange.forward())


def sigkill_before(exchange: Exchange) -> None:
    exchange.signal(signal.SIGKILL)
    exchange.reset()


def sigkill_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.signal(signal.SIGKILL)
    exchange.reset()


def status(code: HTTPStatus, *, after: bool = False, **headers: str) -> Fault:
    """Answer with this status, as Kubernetes says it; `after` the server did what was asked."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code}

    def fault(exchange: Exchange) -> None:
        if after:
            exchange.forward()
        named = {"Content-Type": "application/json", **{key.replace("_", "-"): headers[key] for key in headers}}
        exchange.say(Answer(code, json.dumps(body).encode(), named))

    return fault


@dataclass(frozen=True)
class Way:
    """A way in which a request goes wrong."""

    fault: Fault
    passes: bool = False
    """Whether the run itself gets over it, so that it ends as undisturbed."""
    timeouts: tuple[str, ...] = ("100s",)
    """How long the run may take; a longer time if the request did not come within the time before."""
    always: bool = False
    """Whether every later request for the object goes wrong, too."""
    exit_codes: frozenset[int] = frozenset({0, 1})
    writes_only: bool = False
    """Whether it differs from another way only where a server writes."""


_DONE = frozenset({0})
_ENDS = frozenset({1})
_KILLED = frozenset({-signal.SIGKILL})
WAYS: Mapping[str, Way] = {
    "refused": Way(refused, passes=True),
    "reset_before": Way(reset_before, passes=True),
    "reset_after": Way(reset_after, passes=True, writes_only=True),
    "hang": Way(hang, timeouts=BRIEF, exit_codes=_ENDS),
    "cut_body": Way(cut_body, passes=True),
    "half_body": Way(half_body),
    "403": Way(status(HTTPStatus.FORBIDDEN)),
    "409": Way(status(HTTPStatus.CONFLICT)),
    "410": Way(status(HTTPStatus.GONE)),
    "429": Way(status(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="1"), passes=True),
    "500": Way(status(HTTPStatus.INTERNAL_SERVER_ERROR), passes=True),
    "503": Way(status(HTTPStatus.SERVICE_UNAVAILABLE), passes=True),
    "504": Way(status(HTTPStatus.GATEWAY_TIMEOUT), passes=True),
    "504_after": Way(status(HTTPStatus.GATEWAY_TIMEOUT, after=True), passes=True, writes_only=True),
    "403_always": Way(status(HTTPStatus.FORBIDDEN), always=True),
    "409_always": Way(status(HTTPStatus.CONFLICT), always=True),
    "503_always": Way(status(HTTPStatus.SERVICE_UNAVAILABLE), always=True, timeouts=BRIEF),
    "sigterm": Way(sigterm, exit_codes=_ENDS),
    "sigkill_before": Way(sigkill_before, exit_codes=_KILLED),
    "sigkill_after": Way(sigkill_after, exit_codes=_KILLED, writes_only=True),
}


@dataclass(frozen=True)
class Case:
    """A request of a world's run, and the way in which it goes wrong."""

    world: str
    at: Position
    how: str

    @property
    def way(self) -> Way:
        return WAYS[self.how]

    @property
    def exit_codes(self) -> frozenset[int]:
        """The exit codes that the run may end with."""
        return self.way.exit_codes | (_DONE if self.how == "hang" and self.at.waits else frozenset())

    def __str__(self) -> str:
        """Return the name by which `SWEEP=` asks for the case."""
        return f"{self.world}-{self.at}-{self.how}"


def cases(world: str, positions: Iterable[Position]) -> list[Case]:
    """Return each way to break each position."""
    return [
        Case(world, at, how)
        for at in sorted(set(positions))
        if not (at.waits and at.occurrence > 1)
        for how, way in WAYS.items()
        if not (at.reads and way.writes_only)
    ]
