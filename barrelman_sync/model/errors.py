"""The two errors that end a run before its first write, the advice that a user gets, and chains of errors. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """What a user can do about a cluster that does not answer, or does not let us in. Whole sentences."""

    unreachable: str
    untrusted: str
    refused: str
    forbidden: str


class ConfigurationError(Exception):
    """Something that the user has to change before a run can start; every problem found, one line each. Exit code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunError(Exception):
    """What ends a run that was asked for properly; the text says what to do. Exit code 1."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then its cause or else the error that was being handled, and so on; each error once.

    A chain may lead back into itself: lightkube raises HTTP status errors `from` themselves (`raise_for_status` in
    lightkube/core/generic_client.py), so each is its own cause, and a plain loop over the causes never ends.
    """
    following: BaseException | None = error
    seen: set[int] = set()  # ids, as an error may compare equal to another
    while following is not None:
        yield following
        seen.add(id(following))
        origins = (following.__cause__, following.__context__)
        following = next((origin for origin in origins if origin is not None and id(origin) not in seen), None)
