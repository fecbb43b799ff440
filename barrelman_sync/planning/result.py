"""What came of a run, as a value: the plan, what became of each write, and the exit code that follows. Pure."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

from barrelman_sync.planning.desired import Desired
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.reasons import Why
from barrelman_sync.planning.steps import Held, Leave, Plan, Write


class Result(StrEnum):
    """What became of a write."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A write and what became of it; `error` says why it was not done, empty if it was."""

    step: Write
    result: Result
    error: str = ""


class ExitCode(IntEnum):
    """What the process tells its caller; `meaning` is the sentence of `--help` and of the README's table."""

    meaning: str

    CONVERGED = 0, "converged, nothing to do, or a dry run"
    FAILED = 1, "a read, write or preflight failed, or the plan does not match --expect-plan; takes precedence over 3"
    USAGE = 2, "wrong usage or configuration, or both sides are the same cluster"
    HELD_BACK = 3, "a guard held deletes back"
    CHANGES = 4, "there are changes (only with --dry-run --detailed-exitcode)"

    def __new__(cls, code: int, meaning: str = "") -> Self:
        """The member; an IntEnum takes a number alone, so the number and the sentence are taken apart here."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run has to tell."""

    source: str
    plan: Plan
    desired: Desired
    nodes: NodeChoice
    dry_run: bool = False
    detailed_exitcode: bool = False
    outcomes: tuple[Outcome, ...] = ()
    """One for each object that was to be written, in no order; empty in a dry run."""
    warnings: tuple[Why, ...] = ()
    refusal: str = ""
    """Why the plan was not carried out, or not to its end; empty if it was."""

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The writes that were not done."""
        return tuple(outcome for outcome in self.outcomes if outcome.result != Result.DONE)

    @property
    def failing(self) -> tuple[Leave, ...]:
        """The objects that should have been written, although everything could be read and written."""
        return tuple(step for step in self.plan.steps if isinstance(step, Leave) and step.fails)

    @property
    def failed(self) -> bool:
        """Whether anything could not be done."""
        return bool(self.failures or self.failing or self.refusal)

    @property
    def exit_code(self) -> ExitCode:
        """1 takes precedence over 3. In a dry run nothing fails that only a write can fail."""
        if self.failed:
            return ExitCode.FAILED
        if self.dry_run:
            changes = self.detailed_exitcode and (self.plan.writes or self.held)
            return ExitCode.CHANGES if changes else ExitCode.CONVERGED
        return ExitCode.HELD_BACK if self.held else ExitCode.CONVERGED

    @property
    def held(self) -> tuple[Held, ...]:
        """What a guard held back."""
        return tuple(step for step in self.plan.steps if isinstance(step, Held))
