"""The command with something in it that does not end: `python -m tests.wire.hanging WHAT OPTION...`."""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from barrelman_sync import reconcile
from barrelman_sync.__main__ import start
from barrelman_sync.command import cli, watchdog
from barrelman_sync.preflight import checks as preflight
from barrelman_sync.report import printer

GRACE_SECONDS = 0.2
NOTHING = "nothing"
LOADED = (cli, printer)
"""What the command loads only on its way: loaded before its time begins, so that a busy machine hangs at once too."""


def loop() -> None:
    while True:
        pass


def loop_that_takes_in_every_error() -> None:
    while True:
        with contextlib.suppress(BaseException):
            loop()


def loop_in_a_thread() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(loop).result()


def lock_that_nobody_releases() -> None:
    lock = threading.Lock()
    with lock:
        lock.acquire()


def sleep() -> None:
    time.sleep(3600)


def lock_of_the_log() -> None:
    logging.getLogger("barrelman_sync").handlers[0].acquire()
    threading.Thread(target=loop).start()
    loop()


def interpreter_kept() -> None:
    """As a regular expression without end does: no other thread of Python's runs."""
    sum(itertools.repeat(0))


HANGS: dict[str, Callable[[], None]] = {
    "loop": loop,
    "loop that takes in every error": loop_that_takes_in_every_error,
    "loop in a thread": loop_in_a_thread,
    "lock that nobody releases": lock_that_nobody_releases,
    "sleep": sleep,
    "lock of the log": lock_of_the_log,
    "interpreter kept": interpreter_kept,
}


SILENT = ("lock of the log", "interpreter kept")
"""In these cases, no thread can write the message."""


def main() -> None:
    what = sys.argv.pop(1)
    watchdog.GRACE_SECONDS = GRACE_SECONDS
    if what not in SILENT:  # a busy machine takes its time to write the message
        watchdog._MESSAGE_SECONDS = 10
    if what != "interpreter kept":
        watchdog.FORCE_SECONDS = 60
    if what == NOTHING:
        start()

    def hang(*_arguments: object, **_options: object) -> None:
        sys.stdout.write("hanging\n")
        sys.stdout.flush()
        HANGS[what]()

    with patch.object(reconcile, "connect_both", hang), patch.object(preflight, "preflight", hang):
        start()


if __name__ == "__main__":
    main()
