"""The wrong answers that a test can make the fake API server give."""

from __future__ import annotations

import contextlib
import json
import threading

from tests.wire.fakeapi import Answer, Exchange, status_object

HTML = b"<html><body>Bad Gateway</body></html>"


def plain(status: int, text: str = "no", **headers: str) -> Answer:
    """Text, as API priority and fairness and the timeout filter send it."""
    return lambda exchange: exchange.send(status, text.encode(), "text/plain; charset=utf-8", **headers)


def failure(status: int, reason: str = "Because", content_type: str = "application/json", **headers: str) -> Answer:
    """A Status."""
    body = json.dumps(status_object(status, reason, f"the message of {status}")).encode()
    return lambda exchange: exchange.send(status, body, content_type, **headers)


def quota_conflict(exchange: Exchange) -> None:
    """Somebody else changed the usage of the quota at the same moment (apiserver plugin/resourcequota)."""
    status = status_object(409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "few"')
    body = {**status, "details": {"name": "few", "kind": "resourcequotas"}}
    exchange.send(409, json.dumps(body).encode(), "application/json")


def quota_conflict_without_details(exchange: Exchange) -> None:
    """The same, but only the message names the quota."""
    failed = status_object(409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "few": try again')
    exchange.send(409, json.dumps(failed).encode(), "application/json")


def raw(status: int, body: bytes, content_type: str | None = "application/json", **headers: str) -> Answer:
    return lambda exchange: exchange.send(status, body, content_type, **headers)


def reset(exchange: Exchange) -> None:
    """The connection ends before anything is done."""
    exchange.reset()


def lost(exchange: Exchange) -> None:
    """It is done, but nobody hears of it."""
    exchange.outcome()
    exchange.reset()


def done_but(status: int) -> Answer:
    """It is done, but the answer says otherwise: a gateway gave up waiting."""

    def answer(exchange: Exchange) -> None:
        exchange.outcome()
        plain(status)(exchange)

    return answer


def reset_in_the_middle(exchange: Exchange) -> None:
    _, body = exchange.outcome()
    exchange.send_head(200, "application/json", **{"Content-Length": str(len(json.dumps(body)))})
    exchange.wfile.write(json.dumps(body).encode()[: len(json.dumps(body)) // 2])
    exchange.reset()


def half_with_length(exchange: Exchange) -> None:
    """The connection ends cleanly, too early."""
    _half(exchange, declare=True)


def half_without_length(exchange: Exchange) -> None:
    """The connection ends cleanly, and only the JSON says that it is too early."""
    _half(exchange, declare=False)


def _half(exchange: Exchange, *, declare: bool) -> None:
    body = json.dumps(exchange.outcome()[1]).encode()
    headers = {"Content-Length": str(len(body))} if declare else {"Connection": "close"}
    exchange.send_head(200, "application/json", **headers)
    exchange.wfile.write(body[: len(body) // 2])
    exchange.close_connection = True


def then_refused(answer: Answer) -> Answer:
    """This answer, and nobody listens any more when the client comes back."""

    def last(exchange: Exchange) -> None:
        exchange.api.stop_listening()
        answer(exchange)
        exchange.close_connection = True

    return last


def silence(exchange: Exchange) -> None:
    """Never an answer."""
    exchange.api.closing.wait()
    exchange.close_connection = True


def dribble(exchange: Exchange) -> None:
    """An answer without end."""
    exchange.send_head(200, "application/json")
    while not exchange.api.closing.wait(0.02):
        exchange.wfile.write(b" ")
    exchange.close_connection = True


def dribble_headers(exchange: Exchange) -> None:
    """Headers without end."""
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not exchange.api.closing.wait(0.02):
        exchange.wfile.write(b"x")
    exchange.close_connection = True


def held(arrived: threading.Event, go_on: threading.Event) -> Answer:
    """A late answer: says when the request is there, and waits."""

    def answer(exchange: Exchange) -> None:
        arrived.set()
        while not go_on.wait(0.02) and not exchange.api.closing.is_set():
            pass
        exchange.serve()

    return answer


def together(barrier: threading.Barrier) -> Answer:
    """As soon as all requests that wait here have come. The barrier is broken if they do not come."""

    def answer(exchange: Exchange) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(10)
        exchange.serve()

    return answer
