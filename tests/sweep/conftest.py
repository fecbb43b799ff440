"""The count of the sweep, and its line at the end of the output."""

from __future__ import annotations

import pytest

from tests.sweep.count import Count

COUNT = pytest.StashKey[Count]()


@pytest.fixture(scope="session")
def swept(pytestconfig: pytest.Config) -> Count:
    """Return the count."""
    return pytestconfig.stash.setdefault(COUNT, Count())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the line, with the seed that repeats the sample."""
    if count := config.stash.get(COUNT, None):
        terminalreporter.write_line(f"Sweep: {count}")
