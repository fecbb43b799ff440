"""What docs/migration.md lets a reader type."""

from __future__ import annotations

from tests.docs.readme import ROOT
from tests.docs.typed import blocks

PAGE = (ROOT / "docs" / "migration.md").read_text()

(MANIFEST,) = blocks("migration.md", "yaml")
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
    HELM_3,
    FORGET_RELEASE,
    RENAME,
    STOP_THE_ORIGINAL,
    START_THE_ORIGINAL,
    DELETE_SLICES,
) = blocks("migration.md", "sh")  # a block that no test runs fails here
