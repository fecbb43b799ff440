"""The command where no name server ever answers: `unshare -rmn python -m tests.wire.resolver SIGNAL OPTION...`.

SIGNAL is the name of a signal to send as soon as the name server is asked, or `none`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.wire.commands import COMMAND

RESOLV_CONF = "/etc/resolv.conf"
PATIENCE = 60


def main() -> None:
    """Print what the run says, and end as it ends."""
    number, *options = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder, socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        server.settimeout(PATIENCE)
        conf = Path(folder) / "resolv.conf"
        conf.write_text("nameserver 127.0.0.1\noptions timeout:30\n")
        subprocess.run(["mount", "--bind", conf, RESOLV_CONF], check=True)
        with subprocess.Popen([COMMAND, *options]) as run:
            server.recv(1024)
            if number != "none":
                run.send_signal(signal.Signals[number])
            sys.exit(run.wait(PATIENCE))


if __name__ == "__main__":
    main()
