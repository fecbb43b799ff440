"""The two errors that end a run before its first write, advice for the user, and the causes of an error. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """What a user can do about a cluster that cannot be used. Whole sentences.

    `unreachable`: no answer. `untrusted`: the certificate is not trusted. `refused`: a 401. `forbidden`: a 403.
    """

    unreachable: str
    untrusted: str
    refused: str
    forbidden: str


class ConfigurationError(Exception):
    """The user must change something before a run can start. Each problem is one line. Exit code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunError(Exception):
    """A run failed although its configuration is right. The text says what the user can do. Exit code 1."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then its cause, or without one the error that was being handled, and so on. Each error comes once.

    A chain may be a circle: lightkube raises HTTP status errors `from` themselves (`raise_for_status` in
    lightkube/core/generic_client.py). Such an error is its own cause, and a plain loop over the causes never ends.
    """
    following: BaseException | None = error
    seen: set[int] = set()  # ids, because two errors may compare equal
    while following is not None:
        yield following
        seen.add(id(following))
        origins = (following.__cause__, following.__context__)
        following = next((origin for origin in origins if origin is not None and id(origin) not in seen), None)
