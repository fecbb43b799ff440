"""The two ways in which a run ends before its first write, and the way from an error to what it came from. Pure."""

from collections.abc import Iterator


class ConfigurationError(Exception):
    """Something that the user has to change before a run can start; every problem found, one line each. Exit code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunError(Exception):
    """What ends a run that was asked for properly; the text says what to do. Exit code 1."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, what that came from, and so on: each once, the innermost last.

    A chain may lead back into itself: lightkube raises many an error `from` that same error (`raise_for_status` in
    lightkube/core/generic_client.py), which makes the error its own cause. Whoever follows it with a plain loop never
    comes to an end.
    """
    following: BaseException | None = error
    seen: set[int] = set()  # ids, as an error may compare equal to another
    while following is not None:
        yield following
        seen.add(id(following))
        origins = (following.__cause__, following.__context__)
        following = next((origin for origin in origins if origin is not None and id(origin) not in seen), None)
