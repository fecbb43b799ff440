"""Child processes that end when this process ends, even if this process is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
# Looked up before any fork: the look-up may need a lock, and after a fork a lock of another thread is never released.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def end_with_parent() -> Callable[[], None]:
    """Return a `preexec_fn` for a child that the kernel kills when the thread that started the child ends."""
    parent = os.getpid()

    def before_exec() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the line above, so no signal will come
            os._exit(1)

    return before_exec


class Process:
    """A server that runs until `stop()`, or until this process ends.

    Start it in the main thread only, because the kernel kills the child when the *thread* that started it ends.
    """

    def __init__(self, name: str, command: Sequence[str | Path], log: Path) -> None:
        """Start `command` and append its output to `log`. In a session of its own, so that Ctrl-C does not reach it."""
        if threading.current_thread() is not threading.main_thread():
            message = f"{name} must be started from the main thread: it would end with the thread that started it"
            raise RuntimeError(message)
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - safe here: see _prctl
            )

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._child.pid

    def exit_code(self) -> int | None:
        """Return the exit code of the server; None if the server is running."""
        return self._child.poll()

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, grace: float = 5) -> None:
        """End the server with SIGTERM, and after `grace` seconds with SIGKILL. It has ended when this returns."""
        if grace > 0:
            self._child.terminate()
            try:
                self._child.wait(grace)
            except subprocess.TimeoutExpired:
                pass
            else:
                return
        self._child.kill()
        self._child.wait()
