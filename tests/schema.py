"""The published schemas of `-o json` and `-o yaml`: every document that a test sees is held against one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = DOCS / "report.schema.json"
PREFLIGHT_SCHEMA = DOCS / "preflight.schema.json"
_VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()))
_PREFLIGHT_VALIDATOR = Draft202012Validator(json.loads(PREFLIGHT_SCHEMA.read_text()))

Document = dict[str, Any]


def valid(document: Document) -> Document:
    """Return the document of a run, which has to be what the schema promises."""
    _VALIDATOR.validate(document)
    return document


def valid_preflight(document: Document) -> Document:
    """Return the document of a preflight, which has to be what its schema promises."""
    _PREFLIGHT_VALIDATOR.validate(document)
    return document
