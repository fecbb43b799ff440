"""What docs/operations.md lets a reader type."""

from __future__ import annotations

import re
import textwrap

from tests.docs.readme import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in their order."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", PAGE, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


(LOOP_OVERLAY,) = blocks("yaml")
(
    TRY_NEW_VERSION,
    SUSPEND,
    APPLY_THE_PLAN,
    RESUME,
    MOVE_TO_B,
    MIRRORS,
    RUNS,
    APPLY_LOOP,
    STOP_THE_CRON_JOB,
) = blocks("sh")  # a block that no test runs fails here
