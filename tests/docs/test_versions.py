"""The pages that say which releases of Kubernetes are supported name those that the tests can run."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.controlplane.releases import all_releases

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/compatibility.md", "docs/gke.md", "docs/install.md"])
def test_the_releases_of_kubernetes(page: str) -> None:
    oldest, *_, newest = all_releases()
    words = " ".join((ROOT / page).read_text().split())
    assert f"{oldest} to {newest}" in words
