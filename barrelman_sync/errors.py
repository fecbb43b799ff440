"""The two ways in which a run ends before its first write."""


class ConfigurationError(Exception):
    """Something that the user has to change before a run can start; every problem found, one line each. Exit code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunError(Exception):
    """What ends a run that was asked for properly; the text says what to do. Exit code 1."""
