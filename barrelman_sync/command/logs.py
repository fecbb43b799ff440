"""The log on stderr: messages of our own modules only, each as text or as a line of JSON."""

import json
import logging
import sys

from barrelman_sync.model.settings import LogFormat

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line)


def set_up_logs(form: LogFormat, verbosity: int) -> None:
    """Logs warnings and errors; with verbosity 1 also each write, with verbosity 2 also each request.

    The logs of the libraries stay off.
    """
    handler = logging.StreamHandler(sys.stderr)
    formatter = _JsonFormatter() if form is LogFormat.JSON else logging.Formatter("%(levelname)s: %(message)s")
    handler.setFormatter(formatter)
    ours = logging.getLogger("barrelman_sync")
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
