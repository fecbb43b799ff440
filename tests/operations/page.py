"""What docs/operations.md lets a reader type."""

from __future__ import annotations

from tests.docs.typed import blocks

(LOOP_OVERLAY,) = blocks("operations.md", "yaml")
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
) = blocks("operations.md", "sh")  # a block that no test runs fails here
