"""Wait for something that another process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120, *, interval: float = 0.01) -> None:
    """Return as soon as `condition()` is true. After `seconds`, raise a TimeoutError that says `what` was awaited.

    `interval` is the pause between two looks, in seconds. The limit is one for a busy machine.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            message = f"waited {seconds:.0f} s for {what}"
            raise TimeoutError(message)
        time.sleep(interval)
