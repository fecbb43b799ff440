"""Run a command as a child of this small process. Print its time, CPU time and peak memory as JSON, in the last line.

On Linux, the peak memory of a child begins with the peak memory of its parent, so the benchmark itself is too large to
be the parent. The printed peak is at least the peak of this process, 10 MB.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the arguments as a command, and exit with the exit code of the command."""
    started = time.monotonic()
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    cost = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
    print(json.dumps(cost), flush=True)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
