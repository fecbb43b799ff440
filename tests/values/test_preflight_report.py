"""What a preflight prints of its checks."""

from __future__ import annotations

import pytest

from barrelman_sync.report.preflight import Check, print_checks

GOOD = Check(passed=True, what="local cluster: may list services")
BAD = Check(passed=False, what="remote cluster: 2 permissions missing", advice="Add these rules:\n  - verbs: [list]")


def test_all_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_checks([GOOD, GOOD], color=False)
    assert capsys.readouterr().out.splitlines() == [f"ok   {GOOD.what}", f"ok   {GOOD.what}", "passed: all 2 checks"]


def test_one_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_checks([GOOD, BAD], color=False)
    assert capsys.readouterr().out.splitlines() == [
        f"ok   {GOOD.what}",
        f"FAIL {BAD.what}",
        "     Add these rules:",
        "       - verbs: [list]",
        "failed: 1 of 2 checks",
    ]


def test_only_the_mark_is_colored(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks([BAD], color=True)
    assert capsys.readouterr().out.splitlines()[0] == f"\x1b[31mFAIL\x1b[0m {BAD.what}"


def test_text_of_others_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks([Check(passed=False, what="no\x1b[2J\nok   all", advice="Add:\n  \x1b[31m- a\r\n  - b")], color=False)
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "FAIL no\\x1b[2J ok   all",
        "     Add:",
        "       \\x1b[31m- a",
        "       - b",
    ]
