"""The command: options in, exit code out."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import click

from barrelman_sync import __version__
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.cluster.loading import load_lightkube
from barrelman_sync.command.logs import set_up_logs
from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS, GroupedCommand, settings_of
from barrelman_sync.command.terminal import is_on_terminal, progress, wants_colour
from barrelman_sync.command.watchdog import Watchdog
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.settings import LogFormat, Settings
from barrelman_sync.planning.result import ExitCode, Report

_log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_EPILOG = """\b
Exit codes:
  0  converged, or nothing to do, or a dry run
  1  something could not be read or written; a failed preflight; a plan other than the expected one; wins over 3
  2  usage or configuration, or both sides are the same cluster
  3  a guard held deletes back
  4  --dry-run --detailed-exitcode, and there are changes
"""


def run(**values: Any) -> None:
    """Keep services of a remote Kubernetes cluster reachable by their plain names in the local one.

    Each run lists both clusters, computes the namespaces, Services and endpoints that the local one should have, and
    applies the difference. Every option can also be given as BARRELMAN_SYNC_<NAME>, repeatable ones separated by
    spaces.
    """
    set_up_logs(LogFormat(values["log_format"] or LogFormat.TEXT), values["verbose"] or 0)
    try:
        sys.exit(_run(settings_of(click.get_current_context(), values)))
    except ConfigurationError as error:
        _tell(error.problems)
        sys.exit(ExitCode.USAGE)


def _tell(problems: Sequence[str]) -> None:
    as_json = click.get_current_context().params["log_format"] == LogFormat.JSON
    for problem in problems:
        if as_json:  # one object a line: it is the line that a log pipeline is there for
            _log.error("%s", problem)
        else:
            click.echo(f"Error: {problem}", err=True)


def _run(settings: Settings) -> ExitCode:
    deadline = Deadline(settings.run.timeout)
    _stop_on_signals(deadline.stop)
    with Watchdog(deadline) as watchdog:
        if settings.run.preflight:
            return _preflight(settings, deadline)
        # A dry run is none that the metrics are about: it would say that all is well, or hide that it is not.
        if settings.metrics.wanted and not settings.run.dry_run:
            return _measured(settings, deadline, watchdog)
        return _reconciled(settings, deadline, watchdog)[1]


def _measured(settings: Settings, deadline: Deadline, watchdog: Watchdog) -> ExitCode:
    from barrelman_sync.metrics import Run, publish  # loads prometheus_client

    started, clock = time.time(), time.monotonic()

    def end(report: Report | None, exit_code: ExitCode) -> ExitCode:
        source = report.source if report else settings.remote_name()
        duration = time.monotonic() - clock
        run = Run(source, exit_code, started, duration, settings.run.timeout, report)
        return publish(settings.metrics, run, deadline.remaining())

    try:
        report, exit_code = _reconciled(settings, deadline, watchdog)
    except Exception:
        end(None, ExitCode.FAILED)
        raise
    return end(report, exit_code)


def _reconciled(settings: Settings, deadline: Deadline, watchdog: Watchdog) -> tuple[Report | None, ExitCode]:
    """The run itself; without a report if it ended before there was a plan."""
    # Only now: lightkube takes a while to load, which neither --help nor a wrong option should cost.
    load_lightkube()
    from barrelman_sync.reconcile import Shown, reconcile
    from barrelman_sync.report.printer import printer_for

    printer = printer_for(settings.run.output, colour=wants_colour(settings.run.colour))

    def show_plan(report: Report) -> None:
        if report.dry_run:
            _let_read(watchdog)
        printer.plan(report)

    try:
        report = reconcile(settings, deadline, Shown(show_plan, progress))
    except (ConfigurationError, RunError) as error:
        problems, exit_code = _ended(error)
        printer.failure(problems, exit_code)
        _tell(problems)
        return None, exit_code
    _let_read(watchdog)
    printer.outcome(report)
    return report, report.exit_code


def _let_read(watchdog: Watchdog) -> None:
    """Only output is left. On a terminal it may go to a pager, which reads no faster than its user scrolls."""
    if is_on_terminal():
        watchdog.stand_down()


def _ended(error: ConfigurationError | RunError) -> tuple[Sequence[str], ExitCode]:
    if isinstance(error, ConfigurationError):
        return error.problems, ExitCode.USAGE
    return (str(error),), ExitCode.FAILED


def _preflight(settings: Settings, deadline: Deadline) -> ExitCode:
    load_lightkube()  # see _reconciled
    from barrelman_sync.preflight.checks import preflight

    colour = wants_colour(settings.run.colour)
    passed: list[bool] = []
    for check in preflight(settings, deadline):
        passed.append(check.passed)
        mark = click.style("ok  ", fg="green") if check.passed else click.style("FAIL", fg="red")
        click.echo(f"{mark} {check.what}", color=colour)
        for line in check.advice.splitlines():
            click.echo(f"     {line}")
    click.echo(f"{'passed' if all(passed) else 'failed'}: {sum(passed)} of {len(passed)} checks are fine")
    return ExitCode.CONVERGED if all(passed) else ExitCode.FAILED


def _stop_on_signals(stop: Callable[[str], None]) -> None:
    """The first signal lets requests in flight finish; a second one ends us as usual."""

    def handle(number: int, _frame: FrameType | None) -> None:
        stop(f"interrupted by {signal.Signals(number).name}")
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)

    for number in _SIGNALS:
        signal.signal(number, handle)


main = GroupedCommand(
    "barrelman-sync",
    callback=run,
    params=[*OPTIONS],
    help=run.__doc__,
    epilog=_EPILOG,
    context_settings={
        "auto_envvar_prefix": ENVIRONMENT_PREFIX,
        "help_option_names": ["-h", "--help"],
        "max_content_width": 120,
    },
)
# Not by BARRELMAN_SYNC_VERSION, which somebody may well set to a version.
main = click.version_option(__version__, prog_name="barrelman-sync", allow_from_autoenv=False)(main)
