"""`tutela parts`: what there is to plug together."""

from __future__ import annotations

from tutela import parts

from .answers import Json, shown, verbs_of

verbs = verbs_of()


@verbs.command("parts")
def parts_(as_json: Json = False) -> None:
    """List every part there is, by room."""
    found = {room: {name: _line(room, name) for name in parts.names(room)} for room in parts.ROOMS}
    lines = [f"{room:11} {name:14} {line}" for room, names in found.items() for name, line in names.items()]
    shown(found, as_json=as_json, words="\n".join(lines))


def _line(room: str, name: str) -> str:
    part = parts.load(room, name)
    card = getattr(part, "card", None)
    return str(card.finds) if card else (part.__doc__ or "").strip().partition("\n")[0]
