"""Metrics in a file, for the textfile collector of Prometheus' node exporter."""

import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from barrelman_sync.metrics.values import LAST_SUCCESS, Run, add_last_success, run_metrics

_MODE = 0o644  # the node exporter is another user

_log = logging.getLogger(__name__)


def write_file(path: Path, run: Run) -> None:
    """Replaces the file by the metrics of this run, at once: no reader sees half of it. Raises OSError.

    The end of the last success is taken over from the old file where this run is none.
    """
    last_success = run.ended if run.succeeded else _last_success(path, run.source)
    _replace(path, generate_latest(add_last_success(run_metrics(run), run.source, last_success)))


def _last_success(path: Path, source: str) -> float:
    """What the file says of this source; 0 where it says nothing."""
    try:
        families = list(text_string_to_metric_families(path.read_text()))
    except FileNotFoundError:
        return 0.0
    except (OSError, ValueError) as error:
        _log.warning("The last success is not known any more, the old %s cannot be read: %s", path, error)
        return 0.0
    samples = [sample for family in families for sample in family.samples if sample.name == LAST_SUCCESS]
    return next((sample.value for sample in samples if sample.labels.get("source") == source), 0.0)


def _replace(path: Path, content: bytes) -> None:
    """Through a file beside it whose name the collector does not read, as that does not end in .prom."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.flush()
            os.fchmod(unfinished.fileno(), _MODE)
            Path(unfinished.name).replace(path)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
