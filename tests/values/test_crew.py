"""Jobs in parallel: how many at a time, and what slow ones do to the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from barrelman_sync.cluster import crew as crews
from barrelman_sync.cluster.crew import Crew

PATIENCE = 20


class Hanging:
    """Jobs that end when they are told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.started = threading.Semaphore(0)

    def job(self) -> None:
        self.started.release()
        assert self.go_on.wait(PATIENCE)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    found = Hanging()
    yield found
    found.go_on.set()


def ended(crew: Crew) -> int:
    """Return the next job that ends."""
    for _ in range(PATIENCE * 10):
        if (number := crew.wait()) is not None:
            return number
    raise AssertionError


def test_there_is_room_for_so_many_quick_jobs(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "SLOW_SECONDS", 600)
    crew = Crew(2)
    for number in range(2):
        assert crew.has_room
        crew.start(number, hanging.job)
    assert (crew.has_room, crew.quick) == (False, [0, 1])
    hanging.go_on.set()
    assert {ended(crew), ended(crew)} == {0, 1}
    assert (crew.has_room, crew.running) == (True, [])


def test_a_slow_job_gives_up_its_place(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "SLOW_SECONDS", 0)
    crew = Crew(1)
    for number in range(10):
        assert crew.has_room
        crew.start(number, hanging.job)
    for _ in range(10):  # all at the same time
        assert hanging.started.acquire(timeout=PATIENCE)
    assert (crew.quick, crew.running) == ([], [*range(10)])


def test_there_are_not_too_many_slow_jobs(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "SLOW_SECONDS", 0)
    monkeypatch.setattr(crews, "MOST_SLOW", 3)
    crew = Crew(2)
    for number in range(5):
        crew.start(number, hanging.job)
    assert not crew.has_room


def test_nothing_ends_and_the_wait_does(hanging: Hanging) -> None:
    crew = Crew(1)
    crew.start(0, hanging.job)
    assert crew.wait() is None


def raising(error: BaseException) -> Callable[[], None]:
    def job() -> None:
        raise error

    return job


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(1)], ids=["error", "exit"])
def test_what_a_job_raises_is_raised(error: BaseException) -> None:
    crew = Crew(1)
    crew.start(0, raising(error))
    with pytest.raises(type(error)):
        ended(crew)
    assert crew.running == []


def test_a_thread_does_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    crew = Crew(1)
    for number in range(100):
        crew.start(number, lambda: threads.add(threading.current_thread()))
        assert ended(crew) == number
    crew.dismiss()
    (thread,) = threads
    thread.join(PATIENCE)
    assert not thread.is_alive()
