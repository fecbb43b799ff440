"""`make release`: everything of a release that needs no registry, from a clean checkout into dist/."""
