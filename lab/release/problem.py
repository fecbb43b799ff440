"""What ends a release early."""

from __future__ import annotations


class ReleaseError(Exception):
    """The release cannot be made; the text is one plain sentence for the maintainer."""
