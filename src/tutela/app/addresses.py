"""What people call the places of this city, from its map: for whoever tells where something is in words.

It is read once, when somebody first asks. An instance whose city has no map here knows no address; then a place is given as numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache

from tutela.app.city import extract
from tutela.errors import NotFound
from tutela.model.place import Address
from tutela.sources.streetmap import StreetMap

MOST = 8
"""Places that are offered."""


async def find(words: str) -> Sequence[Address]:
    """The places whose name has all these words at the beginning of its own, the shortest name first; the first is the best."""
    known = await asyncio.to_thread(_known)
    wanted = _plain(words)
    found = [one for own, one in known if wanted and _fits(wanted, own)]
    return sorted(found, key=lambda one: (_plain(one.name) != wanted, len(one.name), one.name))[:MOST]


def _fits(wanted: Sequence[str], own: Sequence[str]) -> bool:
    """Whether each word begins one of the name's; a house number is meant whole."""
    return all(any(word == one or (not word[0].isdigit() and one.startswith(word)) for one in own) for word in wanted)


def _plain(words: str) -> tuple[str, ...]:
    return tuple(words.casefold().replace(",", " ").split())


@cache
def _known() -> tuple[tuple[tuple[str, ...], Address], ...]:
    try:
        return tuple((_plain(one.name), one) for one in StreetMap(extract()).addresses())
    except NotFound:
        return ()
