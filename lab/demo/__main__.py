"""`python -m lab.demo` runs the demo, `python -m lab.demo --playground` keeps the two clusters running."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

import click

from lab.controlplane import ControlPlaneError, NoControlPlane
from lab.dataplane.network import NetworkError
from lab.demo import terminal
from lab.demo.playground import play
from lab.demo.stage import UnexpectedError, stage
from lab.demo.story import tell

FAILED, INTERRUPTED = 1, 130


@click.command()
@click.option("--playground", is_flag=True, help="Keep both clusters running, and print what to try.")
def main(*, playground: bool) -> None:
    """Two clusters on this machine, and what barrelman-sync does to them."""
    # SIGINT is in the list because a shell script starts `command &` with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _play() if playground else _tell()
    except (NoControlPlane, ControlPlaneError, NetworkError, TimeoutError) as error:
        terminal.bad(f"A cluster does not work: {error}")
        sys.exit(FAILED)
    except UnexpectedError as error:
        terminal.bad(f"This did not go as expected: {error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        terminal.bad("Interrupted. Both clusters are stopped.")
        sys.exit(INTERRUPTED)


def _tell() -> None:
    started = time.monotonic()
    with stage() as here:
        tell(here)
    terminal.heading(f"Done in {time.monotonic() - started:.0f} s; both clusters are stopped")
    terminal.say("`make playground` starts the same two clusters and keeps them running, so that you can try things.")


def _play() -> None:
    with stage() as here:
        play(here)
    terminal.say("Both clusters are stopped. Ctrl-D ends a shell that is still open.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that both clusters are stopped and their data is removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
