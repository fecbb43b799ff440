"""Fixtures: two real clusters, for tests that ask for them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from barrelman_sync import redaction
from lab.controlplane import ControlPlane, binaries, control_planes
from lab.controlplane.releases import UnknownRelease, chosen
from tests.needed import needed

Clusters = tuple[ControlPlane, ...]
WITH_CONTROL_PLANES = {"clusters", "data_plane"}  # fixtures
OF_MAKE = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")
COUNTED = "counted"  # the name of a property: what a test counted, in words
CLUSTERS = pytest.StashKey[Clusters]()

# How long an example takes says how busy the machine is: workers share it.
settings.register_profile("without deadline", settings.default, deadline=None)
settings.load_profile("without deadline")


def pytest_configure() -> None:
    """Forget the make that runs the tests, whose variables a make in a test would take; refuse an unknown release."""
    for name in OF_MAKE:
        os.environ.pop(name, None)
    try:
        chosen()
    except UnknownRelease as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for control planes, which `-m kubernetes` takes alone. Put those of traffic first.

    xdist gives each worker one part of the list. So one worker has all tests of traffic, and ends them before others
    can take some of them: two loads beside other tests keep a small machine too busy to answer all calls.
    """
    for item in items:
        if WITH_CONTROL_PLANES.intersection(_fixtures(item)):
            item.add_marker("kubernetes")
    items.sort(key=lambda item: "data_plane" not in _fixtures(item))


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests counted. They record it as a property, so that it gets here from xdist's workers, too."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    properties = [found for report in reports if report.when == "call" for found in report.user_properties]
    if counted := [text for name, text in properties if name == COUNTED]:
        terminalreporter.section("counted")
        terminalreporter.write("".join(f"{text}\n" for text in counted))


@pytest.fixture(autouse=True)
def no_known_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test redact what was a secret in another."""
    monkeypatch.setattr(redaction, "_known", ())


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest) -> Iterator[Clusters]:
    """Two control planes, (remote, local), for the whole run; started when the first test asks."""
    with needed("no control plane", request.config):
        binaries()
    with control_planes("remote", "local") as planes:
        request.config.stash[CLUSTERS] = planes
        yield planes


@pytest.fixture
def remote(clusters: Clusters) -> ControlPlane:
    """Return the cluster that services are mirrored from, empty."""
    clusters[0].reset()
    return clusters[0]


@pytest.fixture
def local(clusters: Clusters) -> ControlPlane:
    """Return the cluster that services are mirrored to, empty."""
    clusters[1].reset()
    return clusters[1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the log of a component that ended by itself beside the test that failed then."""
    report = yield
    if report.failed:
        failures = [failure for plane in item.config.stash.get(CLUSTERS, ()) if (failure := plane.failure())]
        if failures:
            report.sections.append(("Control planes", "\n".join(failures)))
    return report
