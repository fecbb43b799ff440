"""Metrics in a file, for the textfile collector of Prometheus' node exporter."""

import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from barrelman_sync.metrics.values import LAST_SUCCESS, Run, add_last_success, run_metrics

_MODE = 0o644  # the node exporter runs as another user

_log = logging.getLogger(__name__)


def write_file(path: Path, run: Run) -> None:
    """Replaces the file by one with the metrics of this run. No reader sees half a file. Raises OSError.

    If this run did not succeed, the time of the last success is copied from the old file.
    """
    last_success = run.ended if run.succeeded else _last_success(path, run.source)
    _replace(path, generate_latest(add_last_success(run_metrics(run), run.source, last_success)))


def _last_success(path: Path, source: str) -> float:
    """When a run of this source last succeeded according to the file, in seconds since 1970; 0 if it does not say."""
    try:
        families = list(text_string_to_metric_families(path.read_text()))
    except FileNotFoundError:
        return 0.0
    except (OSError, ValueError) as error:
        _log.warning("The time of the last success is lost, because the old %s cannot be read: %s", path, error)
        return 0.0
    samples = [sample for family in families for sample in family.samples if sample.name == LAST_SUCCESS]
    return next((sample.value for sample in samples if sample.labels.get("source") == source), 0.0)


def _replace(path: Path, content: bytes) -> None:
    """Writes a temporary file in the same folder, then renames it to `path`.

    The temporary name does not end in .prom, so the collector does not read the unfinished file.
    """
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.flush()
            os.fchmod(unfinished.fileno(), _MODE)
            Path(unfinished.name).replace(path)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
