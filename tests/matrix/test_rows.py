"""The table that `make matrix` prints, and the one in docs/compatibility.md."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from lab.controlplane.releases import Chosen, all_releases
from tests.matrix.rows import HEAD, Row, all_pairs, row, table

ROOT = Path(__file__).parents[2]
OLD, MIDDLE, *_, NEW = all_releases()
REPORT = """<?xml version="1.0"?><testsuites><testsuite errors="1" failures="2" skipped="2" tests="1239" time="61.7">
<testcase name="a"/><testcase name="b"><skipped message="no such policies">x</skipped></testcase>
<testcase name="c"><skipped message="no such policies">y</skipped></testcase></testsuite></testsuites>"""


def test_each_release_is_tried_with_itself_and_the_oldest_beside_the_newest() -> None:
    known = [f"{OLD}", f"{MIDDLE}", f"{NEW}", f"{NEW}/{OLD}", f"{OLD}/{NEW}"]
    assert [str(pair) for pair in all_pairs([OLD, MIDDLE, NEW])] == known


def test_a_row_is_what_pytest_reports(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    found = row(Chosen(NEW, OLD), report)
    assert found == Row(Chosen(NEW, OLD), 1234, 3, Counter({"no such policies": 2}), 61.7)
    assert str(found) == f"| {NEW.version} | {OLD.version} | 1,234 | 2 | 3 | 1 min 2 s |"


def test_the_table_says_why_tests_were_skipped() -> None:
    rows = [
        Row(Chosen(OLD, OLD), 5, 0, Counter({"no such policies": 2}), 1),
        Row(Chosen(NEW, OLD), 7, 0, Counter(), 1),
    ]
    lines = table(rows).removeprefix(HEAD).splitlines()
    assert lines == [str(rows[0]), str(rows[1]), "", f"- no such policies (skipped on {OLD})"]
    assert table(rows[1:]) == f"{HEAD}{rows[1]}\n"


def test_the_docs_have_a_row_for_each_pair() -> None:
    """Of the very patch releases that are built, and without a failure."""
    text = (ROOT / "docs" / "compatibility.md").read_text()
    rows = re.findall(r"^\| (1\.\S+) \| (1\.\S+) \| [\d,]+ \| \d+ \| (\d+) \|", text, re.MULTILINE)
    assert rows == [(pair.local.version, pair.remote.version, "0") for pair in all_pairs()]


def test_a_release_that_is_not_here_is_an_error_of_use() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.matrix", "1.9"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"KUBERNETES=1.9: say one of {OLD}" in done.stderr
    assert "Traceback" not in done.stderr
