"""Where the metrics of a run go, and what happens to the exit code if they cannot get there."""

import logging
from dataclasses import replace
from pathlib import Path

from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.metrics.textfile import write_file
from barrelman_sync.metrics.values import Run
from barrelman_sync.model.settings import MetricsRules
from barrelman_sync.planning.result import ExitCode

_MOST_SECONDS = 5.0
_LEAST_SECONDS = 1.0

_log = logging.getLogger(__name__)


def publish(rules: MetricsRules, run: Run, remaining: float) -> ExitCode:
    """Writes the metrics to the file and pushes them to the Pushgateway that `rules` name.

    Returns the run's exit code, but 1 if the file could not be written; a 2 stays. A push that fails is only a warning.
    A push may take the time that remains for the run, at most five seconds and at least one: a run that used up its
    time is the one that its user most wants to know about.
    """
    if rules.file and not _write(Path(rules.file), run) and run.exit_code != ExitCode.USAGE:
        run = replace(run, exit_code=ExitCode.FAILED)
    if rules.pushgateway:
        seconds = max(_LEAST_SECONDS, min(_MOST_SECONDS, remaining))
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
