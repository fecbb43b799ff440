"""Where the command starts; `python -m barrelman_sync` is the same as `barrelman-sync`."""

import gc
import sys

from barrelman_sync import __version__

_COLLECT_AFTER = 100_000
"""New objects after which Python looks for cycles among them; its own 700 are for processes that stay.

A run ends soon, and leaves no cycles but those of its errors. It makes so many objects that looking for cycles among
them was a seventh of an idle run's CPU. It still looks, so that a run of many errors does not grow without end.
"""


def start() -> None:
    """Runs the command. `--version` is answered without loading the rest, which takes a quarter of a second."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"barrelman-sync, version {__version__}\n")
        return
    gc.set_threshold(_COLLECT_AFTER)
    from barrelman_sync.command.cli import main

    try:
        main()
    except SystemExit as end:
        # As it ends, Python looks at every object for cycles that hold what is outside of the process: a sixth of an
        # idle run's CPU. Only a run that fails may leave some: temporary files of certificates that are none.
        if not end.code:
            gc.freeze()
        raise


if __name__ == "__main__":
    start()
