"""Where the metrics go, and what becomes of a run that cannot leave them there."""

import logging
from dataclasses import replace
from pathlib import Path

from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.metrics.textfile import write_file
from barrelman_sync.metrics.values import Run
from barrelman_sync.model.settings import MetricsRules
from barrelman_sync.planning.result import ExitCode

MOST_SECONDS = 5.0
LEAST_SECONDS = 1.0

_log = logging.getLogger(__name__)


def publish(rules: MetricsRules, run: Run, remaining: float) -> ExitCode:
    """Leaves the metrics where they were asked for; the run's exit code, or 1 if the file could not be written.

    A Pushgateway gets what remains of the run's time, five seconds at most, and one second in any case: a run that used
    up its time is what its user most wants to hear of. If it cannot be reached that is a warning, and no more.
    """
    if rules.file and not _write(Path(rules.file), run) and run.exit_code != ExitCode.USAGE:
        run = replace(run, exit_code=ExitCode.FAILED)
    if rules.pushgateway:
        seconds = max(LEAST_SECONDS, min(MOST_SECONDS, remaining))
        if problem := push(rules.pushgateway, run, seconds):
            _log.warning("The metrics did not get to the Pushgateway at %s: %s", rules.pushgateway, problem)
    return run.exit_code


def _write(path: Path, run: Run) -> bool:
    try:
        write_file(path, run)
    except OSError as error:
        _log.error("The metrics could not be written to %s (--metrics-file): %s", path, error.strerror or error)
        return False
    return True
