"""What docs/install.md lets a reader type."""

from __future__ import annotations

import re

from tests.docs.typed import blocks
from tests.scenarios.command import ROOT

PAGE = (ROOT / "docs" / "install.md").read_text()

# The blocks for the shell of an administrator; one that no test runs fails here.
INSTALL, SINGLE_RUN, PRIORITY_CLASS, REMOVE, REMOVE_INSTALLATION, REMOVE_ACCOUNT = blocks("install.md", "sh")
FOLLOW = re.search(r"^until .*$", SINGLE_RUN, re.MULTILINE)
