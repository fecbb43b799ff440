"""Where the metrics of a run go, and what happens to the exit code if they cannot get there."""

import logging
from dataclasses import replace
from pathlib import Path

from barrelman_sync.deadline import Deadline
from barrelman_sync.metrics.pushgateway import push
from barrelman_sync.metrics.textfile import write_file
from barrelman_sync.metrics.values import Run
from barrelman_sync.model.settings import MetricsRules
from barrelman_sync.planning.result import ExitCode

_log = logging.getLogger(__name__)


def publish(rules: MetricsRules, run: Run, deadline: Deadline) -> ExitCode:
    """Writes the metrics to the file and pushes them to the Pushgateway that `rules` name.

    Returns the run's exit code, but 1 if the file could not be written; a 2 stays. A push that fails is only a warning.
    """
    if rules.file and not _write(Path(rules.file), run) and run.exit_code != ExitCode.USAGE:
        run = replace(run, exit_code=ExitCode.FAILED)
    if rules.pushgateway and (problem := push(rules.pushgateway, run, deadline)):
        _log.warning("The metrics did not get to the Pushgateway at %s: %s", rules.pushgateway, problem)
    return run.exit_code


def _write(path: Path, run: Run) -> bool:
    try:
        write_file(path, run)
    except OSError as error:
        _log.error("The metrics could not be written to %s (--metrics-file): %s", path, error.strerror or error)
        return False
    return True
