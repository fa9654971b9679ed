"""Topics of MQTT: which of them a filter means, and their levels as parts of names.

Source: MQTT 5.0, 4.7 (topic names and topic filters).
"""

from __future__ import annotations

from tutela.errors import BadInput

TOPIC = "topic"
"""What is replaced by the whole topic in braces; with a slash and a number, by one of its levels, counted from 0."""
LONGEST = 65_535
"""Bytes of a topic."""


def proper(wanted: str) -> str:
    """The filter, when it is one; raises BadInput with what is wrong."""
    levels = wanted.split("/")
    if not wanted or "\0" in wanted or len(wanted.encode()) > LONGEST:
        raise BadInput(f"{wanted[:40]!r} is no topic: it has 1 to {LONGEST:,} bytes, none of them zero")
    if any("+" in level and level != "+" for level in levels):
        raise BadInput(f"{wanted[:80]!r} is no topic: + stands for one whole level, as in city/+/pm25")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        raise BadInput(f"{wanted[:80]!r} is no topic: # stands for all levels at the end, as in city/#")
    return wanted


def fits(topic: str, wanted: str) -> bool:
    """Whether a filter means this topic. Those of the broker itself, which begin with $, are meant only by name."""
    levels, filters = topic.split("/"), wanted.split("/")
    if topic.startswith("$") and filters[0] in ("+", "#"):
        return False
    for place, one in enumerate(filters):
        if one == "#":
            return True
        if place >= len(levels) or one not in ("+", levels[place]):
            return False
    return len(levels) == len(filters)


def names(inner: str) -> bool:
    """Whether this, in braces, is replaced by a part of the topic; raises BadInput for one that can't be."""
    if inner == TOPIC:
        return True
    head, slash, level = inner.partition("/")
    if head != TOPIC or not slash:
        return False
    if not (level.isascii() and level.isdecimal() and len(level) < 5):
        raise BadInput(f"{{{inner}}} is no level of a topic; write it like {{topic/1}}, counted from 0")
    return True


def part(topic: str, inner: str) -> str:
    """What stands for that in braces; raises BadInput where the topic has no such level, or an empty one."""
    levels = topic.split("/")
    place = inner.partition("/")[2]
    said = topic if not place else levels[int(place)] if int(place) < len(levels) else ""
    if not said:
        raise BadInput(f"the topic {topic[:80]!r} has nothing for {{{inner}}}")
    return said
