"""What docs/migration.md lets a reader type."""

from __future__ import annotations

import re
import textwrap

from tests.docs.readme import ROOT

PAGE = (ROOT / "docs" / "migration.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in their order."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", PAGE, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


(MANIFEST,) = blocks("yaml")
(
    WRITE_SLICES,
    WAIT_FOR_PODS,
    APPLY,
    APPLY_SERVER_SIDE,
    WRITE_ENDPOINTS,
    REPLACE,
    BACK,
    START_THE_CHARTS_PODS,
    WAIT_FOR_THE_CHARTS_PODS,
    HELM,
    FORGET_RELEASE,
    RENAME,
    STOP_THE_ORIGINAL,
    START_THE_ORIGINAL,
    DELETE_SLICES,
) = blocks("sh")  # a block that no test runs fails here
