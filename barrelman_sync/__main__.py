"""Where the command starts; `python -m barrelman_sync` is the same as `barrelman-sync`."""

import gc
import os
import signal
import sys
from typing import NoReturn

from barrelman_sync import __version__
from barrelman_sync.command.streams import output_loss, secure

_COLLECT_AFTER = 100_000
"""How many new objects make Python look for cycles of garbage. Python's default, 700, suits long-lived processes.

A run is short, and only its errors leave cycles. With the default, the search took a seventh of an idle run's CPU. The
search is not switched off, so that a run with many errors does not grow without end.
"""


def start() -> None:
    """Runs the command. `--version` does not load the other modules, because loading takes a quarter of a second."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the run has handlers, Ctrl-C just ends the process
    secure()
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"barrelman-sync, version {__version__}\n")
        sys.stdout.flush()
        if not output_loss():  # otherwise the command tells it
            return
    gc.set_threshold(_COLLECT_AFTER)
    try:
        _run()
    except SystemExit as end:
        _end(end.code)
    except Exception as error:  # noqa: BLE001 - not even the command's own last handler worked: modules are missing
        sys.stderr.write(f"Error: barrelman-sync {__version__} is broken or not installed completely: {error!r}\n")
        _end(1)


def _run() -> None:
    from barrelman_sync.command.cli import main
    from barrelman_sync.command.logs import end_logs, take_over_messages

    take_over_messages()
    try:
        main()
    finally:
        end_logs()


def _end(code: object) -> NoReturn:
    """Ends the process at once: what was printed is out, and nobody cleans up.

    A thread may be about to end, or wait for a server. OpenSSL's clean-up at the end of a process frees what such a
    thread frees as well, without a lock between the two (`ossl_cleanup_thread` in OpenSSL's crypto/initthread.c). Then
    a run that did everything was ended by SIGABRT and "double free". See docs/adr/010-the-end-of-the-process.md.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)


if __name__ == "__main__":
    start()
