"""XML as a tree whose names have lost their namespaces; no entity, no DTD, nothing that is fetched.

The versions of a standard differ in their namespaces more than in what they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tutela.errors import BadInput

from ._hearing import bounded

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
DEEPEST, ELEMENTS = 60, 500_000
"""How deep the elements of a document may lie, and how many there may be."""


def tree(body: bytes, what: str, most: int = ELEMENTS) -> Element:
    """The root of a document; raises BadInput when it is not well formed, too large, or brings a DTD or an entity."""
    try:
        root: Element = fromstring(bounded(body, what), forbid_dtd=True)
    except DefusedXmlException as wrong:
        raise BadInput(f"this {what} has a DTD or an entity; send it without: {type(wrong).__name__}") from wrong
    except (ParseError, ValueError, LookupError) as wrong:
        raise BadInput(f"this is not a {what}: {wrong}") from wrong
    _plain(root, what, most)
    return root


def _plain(root: Element, what: str, most: int) -> None:
    """Take the namespaces off; raises BadInput for what is nested too deeply to be looked through in bounded time."""
    level, depth, count = [root], 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > DEEPEST or count > most:
            raise BadInput(f"this {what} is too large: at most {most:,} elements, {DEEPEST} deep")
        for node in level:
            node.tag = node.tag.rpartition("}")[2]
        level = [inner for node in level for inner in node]


def text(node: Element, *paths: str) -> str:
    """The text at the first of some paths that has one."""
    for path in paths:
        if found := (node.findtext(path) or "").strip():
            return found
    return ""


def kind(node: Element) -> str:
    """Its xsi:type, without the prefix."""
    return node.get(TYPE, "").rpartition(":")[2]


def points(node: Element) -> Iterator[tuple[Element, float, float]]:
    """Each element below that holds a latitude and a longitude, with both; what is no number is left out."""
    for one in node.iter():
        lat, lon = one.findtext("latitude"), one.findtext("longitude")
        try:
            yield one, float(lat or ""), float(lon or "")
        except ValueError:
            continue
