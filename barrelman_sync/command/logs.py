"""The log on stderr: messages of our own modules only, each as text or as a line of JSON."""

import json
import logging
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from barrelman_sync.model.escape import one_line, own_lines
from barrelman_sync.model.settings import LogFormat
from barrelman_sync.redaction import redacted_values

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)

_log = logging.getLogger(__name__)


class _TextFormatter(logging.Formatter):
    """A line for each record, below it a trace, if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{getattr(record, 'label', record.levelname)}: {_message(record)}"
        return f"{line}\n{_trace(record)}" if record.exc_info else line


class _JsonFormatter(logging.Formatter):
    """A line of JSON for each record, with the fields that Google Cloud Logging and its Error Reporting look for.

    See https://cloud.google.com/logging/docs/structured-logging: without `severity`, stderr counts as ERROR.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z",
            "severity": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **({"stack_trace": _trace(record)} if record.exc_info else {}),
        }
        return json.dumps(redacted_values(line))


class _Handler(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Says nothing of a stderr that is full or gone. Python would try to print a trace there."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def set_up_logs(form: LogFormat, verbosity: int) -> None:
    """Logs warnings and errors; with verbosity 1 also each write, with verbosity 2 also each request.

    The logs of the libraries stay off.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form is LogFormat.JSON else _TextFormatter())
    ours = logging.getLogger("barrelman_sync")
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])


def take_over_messages() -> None:
    """Makes Python's own messages go the way of the log: warnings, and errors in threads and finalizers.

    Python would print these messages to stderr, in a form that no log pipeline expects.
    """
    logging.captureWarnings(capture=True)  # and so hides them: they are for programmers
    logging.getLogger().addHandler(logging.NullHandler())  # else logging prints what no handler takes

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        _log.error(
            "A bug ended a thread: %s: %s", failed.exc_type.__name__, failed.exc_value, exc_info=_exc_info(failed)
        )

    def in_finalizer(failed: Any) -> None:
        _log.debug("an error in a finalizer: %s", failed.exc_value, exc_info=_exc_info(failed))

    threading.excepthook = in_thread
    sys.unraisablehook = in_finalizer


def end_logs() -> None:
    """Logs nothing from now on. Threads that a run left behind would write while Python takes stderr apart."""
    logging.disable()


def is_verbose() -> bool:
    """Whether the user wants to see more than warnings and errors, and so the traces of bugs."""
    return _log.isEnabledFor(logging.INFO)


def tell(problems: Sequence[str]) -> None:
    """Logs what ended the run; as text, these lines begin with `Error: `."""
    for problem in problems:
        _log.error("%s", problem, extra={"label": "Error"})


def tell_bug(line: str, error: BaseException) -> None:
    """Logs the line about a bug; with `-v`, also the trace."""
    _log.error("%s", line, exc_info=error if is_verbose() else None, extra={"label": "Error"})


def _exc_info(failed: Any) -> Any:
    return (failed.exc_type, failed.exc_value, failed.exc_traceback) if is_verbose() else None


def _message(record: logging.LogRecord) -> str:
    """The message as one line, and then the lines that its writer put into `extra`, such as stacks."""
    return "\n".join([one_line(record.getMessage()), *map(own_lines, getattr(record, "lines", ()))])


def _trace(record: logging.LogRecord) -> str:
    return own_lines(logging.Formatter().formatException(record.exc_info)) if record.exc_info else ""
