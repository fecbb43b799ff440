"""The published schemas of `-o json` and `-o yaml`: every document that a test sees is held against one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = DOCS / "report.schema.json"
PREFLIGHT_SCHEMA = DOCS / "preflight.schema.json"
_VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()))
EXPLAIN_SCHEMA = DOCS / "explain.schema.json"
_PREFLIGHT_VALIDATOR = Draft202012Validator(json.loads(PREFLIGHT_SCHEMA.read_text()))
# The steps of a story are those of a run.
_RUNS = Registry().with_resource(SCHEMA.name, Resource.from_contents(json.loads(SCHEMA.read_text())))
_EXPLAIN_VALIDATOR = Draft202012Validator(json.loads(EXPLAIN_SCHEMA.read_text()), registry=_RUNS)

Document = dict[str, Any]


def valid(document: Document) -> Document:
    """Return the document of a run, which has to be what the schema promises."""
    _VALIDATOR.validate(document)
    return document


def valid_story(document: Document) -> Document:
    """Return the document of `--explain`, which has to be what its schema promises."""
    _EXPLAIN_VALIDATOR.validate(document)
    return document


def valid_preflight(document: Document) -> Document:
    """Return the document of a preflight, which has to be what its schema promises."""
    _PREFLIGHT_VALIDATOR.validate(document)
    return document
