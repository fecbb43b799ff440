"""What an error of Google's libraries began with."""

from __future__ import annotations

from barrelman_sync.access.gke.transport import cause_of


def test_the_innermost_cause() -> None:
    error = ConnectionError("outer")
    error.__cause__ = TimeoutError("inner")
    assert cause_of(error) is error.__cause__


def test_an_error_that_is_its_own_cause() -> None:
    error = ConnectionError("raised from itself")
    error.__cause__ = error
    assert cause_of(error) is error
    error.__context__ = TimeoutError("inner")
    assert cause_of(error) is error.__context__
