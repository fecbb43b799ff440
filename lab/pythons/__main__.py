"""Runs the tests: python -m lab.pythons --only "oldest image" -- -k tls."""

from __future__ import annotations

import subprocess
import sys

import click

from lab.pythons.environment import ready
from lab.pythons.interpreters import ROOT, NoPython, find
from lab.pythons.versions import version_of

# The tests of decisions and requests: values and wire, see docs/testing.md.
TESTS = ("tests/values", "tests/wire", "tests/gke", "-m", "not kubernetes")


@click.command()
@click.option("--only", default="oldest image", help="oldest, image, or versions such as 3.12.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(only: str, arguments: tuple[str, ...]) -> None:
    """Run the tests on each Python. ARGUMENTS are passed to pytest."""
    failed = [version for version in map(version_of, only.split()) if not _passes(version, arguments)]
    if failed:
        sys.exit(f"The tests failed on Python {' and '.join(failed)}.")


def _passes(version: str, arguments: tuple[str, ...]) -> bool:
    try:
        python = ready(find(version))
    except NoPython as error:
        sys.exit(f"Python {version}: {error}")
    print(f"Python {version}: {python.where}", flush=True)
    command = python.command("-m", "pytest", "-p", "no:cacheprovider", "--quiet", *TESTS, *arguments)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
