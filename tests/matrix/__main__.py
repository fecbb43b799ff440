"""Tries every release of Kubernetes: python -m tests.matrix, or make matrix."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.controlplane import NoControlPlane
from lab.controlplane.releases import VARIABLE, Chosen, chosen
from tests.matrix.rows import Row, all_pairs, row, table

TESTS_FAILED = 1  # pytest's exit code; any higher one says that the tests did not run


def main() -> int:
    """Run the tests on each pair of releases and print the table. Return the exit code: 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument("pairs", nargs="*", type=_pair, help="1.31, or 1.37/1.31: local, remote (default: all)")
    parser.add_argument("--tests", default="tests", help="a file or folder (default: %(default)s)")
    parser.add_argument("--workers", default="4", help="of pytest (default: %(default)s)")
    asked = parser.parse_args()
    rows = []
    for pair in asked.pairs or all_pairs():
        rows.append(_run(pair, asked.tests, asked.workers))
        print(rows[-1], file=sys.stderr, flush=True)
    print(table(rows), end="")
    return TESTS_FAILED if any(each.failed for each in rows) else 0


def _pair(text: str) -> Chosen:
    try:
        return chosen({VARIABLE: text})
    except NoControlPlane as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _run(pair: Chosen, tests: str, workers: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        how = ["-m", "kubernetes", "--quiet", f"--numprocesses={workers}", "--dist=worksteal"]
        environment = {**os.environ, VARIABLE: str(pair), "CI": "true"}
        print(f"Kubernetes {pair}:", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "pytest", *how, f"--junitxml={report}", tests]
        done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
        if done.returncode > TESTS_FAILED:
            sys.exit(done.returncode)
        return row(pair, report)


if __name__ == "__main__":
    sys.exit(main())
