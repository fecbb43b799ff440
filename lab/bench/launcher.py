"""Run a command as a child of this small process, and print what it cost as the last line, as JSON.

Linux starts a child's peak memory at that of the process it is started from, so the benchmark itself is too large for
that. The peak that is printed is never below that of this process, 10 MB.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the arguments as a command; end as it ended."""
    started = time.monotonic()
    child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    cost = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
    print(json.dumps(cost), flush=True)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
