"""Checks documents against the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from aftercall.client.document import document_text

_FILE = Path(__file__).resolve().parents[2] / "crates/domain/src/schema/conversation.schema.json"
_SCHEMA = Draft202012Validator(json.loads(_FILE.read_text(encoding="utf-8")))


def check(conversation: Any) -> None:
    """What `Client.send` would send of it follows the schema."""
    _SCHEMA.validate(json.loads(document_text(conversation)))
