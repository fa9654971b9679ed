"""A bundle of evidence without what is about people: what was said and written, where people were, and bodies that are sealed.

Nothing is put in its place but a word that says so. Each event's leaf and proof stay: a leaf holds the hash of its body.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tutela.model.evidence import Part, Piece, Proved, canonical
from tutela.model.proof import summed

from .gathering import Found
from .stamp import STAMP, STAMPED

STAMPS = STAMPED, STAMP
LEFT_OUT = "(left out)"
WORDS = frozenset({"text", "reason", "disposition", "said", "caller", "contact", "photo", "exact"})
"""Fields in which people wrote or said something, how they are reached, and what they kept to the city."""

SEALED = b"sealed:"

OF = {
    "alerts.ndjson": ("alerts",),
    "detections.ndjson": ("detections",),
    "told.ndjson": ("calls", "reports", "posts"),
}
"""Of which classes the records in a file are. Incidents and who looked at them are in the others."""


def redacted(said: Mapping[str, Any], bodies: Mapping[str, bytes]) -> Found:
    """What is left of the bundle with that manifest and these files."""
    found = Found(left_out=list(said["left_out"]), proved=[Proved(**one) for one in said["leaves"]])
    for told in said["files"]:
        path, body = told["path"], bodies[told["path"]]
        if path in STAMPS:  # it is of the parent; the derivative has one of its own
            continue
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


def covered(found: Found, covers: Callable[[str], bool]) -> Found:
    """Of that, what is of the classes of records that may leave; what else there was is named."""
    out = [part for part in found.parts if not all(map(covers, _classes(part)))]
    paths = {part.path for part in out}
    found.parts = [part for part in found.parts if part.path not in paths]
    found.proved = [one for one in found.proved if one.path not in paths]
    found.left_out += [f"{part.path}: the agreement does not cover {' and '.join(_classes(part))}" for part in out]
    return found


def _classes(part: Part) -> tuple[str, ...]:
    """Of which classes the records in a file are."""
    if part.path.startswith("telemetry/"):
        return (part.says.partition(" ")[0],)
    if part.path.startswith("events/"):
        return (f"{part.says.partition('@')[0]}s",)
    return OF.get(part.path, ("incidents",))


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
