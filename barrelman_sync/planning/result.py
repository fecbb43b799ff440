"""The result of a run, as a value: the plan, the outcome of each write, and the exit code that follows. Pure."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import chain
from typing import Self

from barrelman_sync.planning.desired import Desired
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.steps import HeldBack, Leave, Plan, Write


class Result(StrEnum):
    """What happened to a write."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A write and its result. `error` says why the write was not done; it is empty if the write was done."""

    step: Write
    result: Result
    error: str = ""
    fallback: "tuple[Outcome, ...]" = ()
    """What became of the fallback of a write that was not done. Fallbacks that were not tried are left out."""


class ExitCode(IntEnum):
    """The exit codes of the process. `meaning` is the sentence in `--help` and in the table of docs/options.md."""

    meaning: str

    CONVERGED = 0, "converged, nothing to do, a dry run, or an --explain"
    FAILED = (
        1,
        (
            "a read, write or preflight failed, no node is used, the remote's name is that of another cluster,"
            " or --expect-plan does not match; takes precedence over 3"
        ),
    )
    USAGE = (
        2,
        (
            "wrong usage or configuration, local and remote are the same cluster,"
            " or the remote is mirrored already under another name"
        ),
    )
    HELD_BACK = 3, "a guard held deletes back"
    CHANGES = 4, "there are changes (only with --dry-run --detailed-exitcode)"

    def __new__(cls, code: int, meaning: str = "") -> Self:
        """Makes a member of a number and a sentence: without this, an IntEnum takes a number only."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run tells its user, in a log, as text, as a document or by metrics."""

    source: str
    plan: Plan
    desired: Desired
    nodes: NodeChoice
    dry_run: bool = False
    detailed_exitcode: bool = False
    outcomes: tuple[Outcome, ...] = ()
    """One outcome for each object that the plan writes, in no particular order; empty in a dry run."""
    warnings: tuple[Why, ...] = ()
    refusal: str = ""
    """Why the plan was refused (`--expect-plan`) or not carried out to its end (a signal); otherwise empty."""

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The writes that were not done."""
        return tuple(outcome for outcome in self.outcomes if outcome.result != Result.DONE)

    @property
    def fallbacks(self) -> tuple[Outcome, ...]:
        """The endpoint writes that were tried instead of planned writes, see `planning.fallbacks`."""
        return tuple(chain.from_iterable(outcome.fallback for outcome in self.outcomes))

    @property
    def failing(self) -> tuple[Leave, ...]:
        """The steps that leave an object although it should have been written."""
        return tuple(step for step in self.plan.steps if isinstance(step, Leave) and step.fails)

    @property
    def failed(self) -> bool:
        """Whether the run failed: a write was not done, an object should have been written, or the plan was refused."""
        return bool(self.failures or self.failing or self.refusal)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the run. 1 takes precedence over 3. A dry run has no failed writes."""
        if self.failed:
            return ExitCode.FAILED
        if self.dry_run:
            changes = self.detailed_exitcode and (self.plan.writes or self.held)
            return ExitCode.CHANGES if changes else ExitCode.CONVERGED
        return ExitCode.HELD_BACK if self.held else ExitCode.CONVERGED

    @property
    def held(self) -> tuple[HeldBack, ...]:
        """The steps that a guard held back."""
        return tuple(step for step in self.plan.steps if isinstance(step, HeldBack))
