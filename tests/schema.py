"""The published schema of `-o json` and `-o yaml`: every document that a test sees is held against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[1] / "docs" / "report.schema.json"
_VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()))

Document = dict[str, Any]


def valid(document: Document) -> Document:
    """Return the document, which has to be what the schema promises."""
    _VALIDATOR.validate(document)
    return document
