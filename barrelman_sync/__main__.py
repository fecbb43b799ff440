"""Where the command starts; `python -m barrelman_sync` is the same as `barrelman-sync`."""

import gc
import sys

from barrelman_sync import __version__

_COLLECT_AFTER = 100_000
"""How many new objects make Python look for cycles of garbage. Python's default, 700, suits long-lived processes.

A run is short, and only its errors leave cycles. With the default, the search took a seventh of an idle run's CPU. The
search is not switched off, so that a run with many errors does not grow without end.
"""


def start() -> None:
    """Runs the command. `--version` does not load the other modules, because loading takes a quarter of a second."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"barrelman-sync, version {__version__}\n")
        return
    gc.set_threshold(_COLLECT_AFTER)
    from barrelman_sync.command.cli import main

    try:
        main()
    except SystemExit as end:
        # At its end, Python searches all objects for cycles of garbage: a sixth of an idle run's CPU. Only a run that
        # fails needs this search, which then removes the temporary files of certificates that could not be read.
        if not end.code:
            gc.freeze()
        raise


if __name__ == "__main__":
    start()
