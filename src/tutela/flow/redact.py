"""A bundle of evidence without what is about people: what was said and written, where people were, and bodies that are sealed.

Nothing is put in its place but a word that says so. Each event's leaf and proof stay: a leaf holds the hash of its body.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any

from tutela.model.evidence import Part, Piece, Proved, canonical
from tutela.model.proof import summed

from .gathering import Found

LEFT_OUT = "(left out)"
WORDS = frozenset({"text", "reason", "disposition", "said", "caller"})
"""Fields in which people wrote or said something."""

SEALED = b"sealed:"


def redacted(said: Mapping[str, Any], bodies: Mapping[str, bytes]) -> Found:
    """What is left of the bundle with that manifest and these files."""
    found = Found(left_out=list(said["left_out"]), proved=[Proved(**one) for one in said["leaves"]])
    for told in said["files"]:
        path, body = told["path"], bodies[told["path"]]
        if path.startswith("telemetry/") and told["personal"]:
            found.left_out.append(f"{path}: redacted, it tells where people were or what they did")
            continue
        if path.startswith("events/"):
            body = _event(body)
        elif path.endswith(".ndjson") and not told["pieces"]:
            body = b"".join(canonical(without(json.loads(line))) for line in body.splitlines())
        kept = tuple(Piece(**one) for one in told["pieces"])
        found.parts.append(Part(path=path, says=told["says"], body=body, personal=False, pieces=kept))
    return found


def without(said: Any, fields: Collection[str] = WORDS) -> Any:  # noqa: ANN401  whatever JSON there is
    """The same, without what stands in these fields: the words of people."""
    if isinstance(said, (list, tuple)):
        return [without(one, fields) for one in said]
    if not isinstance(said, dict):
        return said
    return {name: LEFT_OUT if name in fields and value else without(value, fields) for name, value in said.items()}


def _event(body: bytes) -> bytes:
    """The proof of an event, without its body where that is sealed or has sealed words in it."""
    said = json.loads(body)
    event = said["event"]
    if event["key"] is None and SEALED not in b64decode(event["body"]):
        return body
    event["body"] = None
    return summed(said).encode()
