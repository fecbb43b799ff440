"""Where the command starts; `python -m barrelman_sync` is the same as `barrelman-sync`."""

import sys

from barrelman_sync import __version__


def start() -> None:
    """Runs the command. `--version` is answered without loading the rest, which takes a quarter of a second."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"barrelman-sync, version {__version__}\n")
        return
    from barrelman_sync.command.cli import main

    main()


if __name__ == "__main__":
    start()
