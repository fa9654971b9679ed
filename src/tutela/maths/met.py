"""Whether a rule's condition is met by facts in the order of their time, and which facts that rests on.

Of several ways to meet it, the latest is taken: the latest facts of each sort, and for a sequence the latest ones before
those that follow. Whoever asks after each new fact so finds the first moment at which it is met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec
import numpy as np

from tutela.errors import BadInput
from tutela.model.area import Area
from tutela.model.detection import Detection
from tutela.model.place import Place
from tutela.model.rule import Condition
from tutela.model.telling import TELLINGS, Telling, word_of
from tutela.model.when import SECOND

from .area import outline

DEEPEST = 5
"""How deep conditions may lie in one another."""


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A fact that is remembered, with the words of the rule that fit it."""

    id: str
    at: int
    words: tuple[str, ...]
    place: Place | None
    cell: int
    sources: tuple[str, ...]
    datastreams: tuple[int, ...]


def order(item: Known) -> tuple[int, str]:
    """By time, and by id where two are of one time."""
    return item.at, item.id


def met(condition: Condition, facts: Sequence[Known]) -> tuple[Known, ...]:
    """The facts, in their order, by which it is met; none when it is not. `facts` are in order (`order`)."""
    if condition.fact:
        found = _counted(condition, facts)
    elif condition.any:
        each = [found for found in (met(one, facts) for one in condition.any) if _within(condition, found)]
        found = max(each, key=_latest)
    elif condition.all:
        each = [met(one, facts) for one in condition.all]
        found = _together(each) if all(each) else ()
    else:
        found = _sequence(condition.sequence, facts)
    return found if _within(condition, found) else ()


def _latest(found: Sequence[Known]) -> tuple[int, int]:
    """By its last fact, and of equals by its first: the shortest."""
    return (found[-1].at, found[0].at) if found else (-1, -1)


def _counted(condition: Condition, facts: Sequence[Known]) -> tuple[Known, ...]:
    """The latest so many that come soon enough after each other."""
    fitting = [
        one for one in facts if not set(condition.fact).isdisjoint(one.words) and _there(condition.area, one.place)
    ]
    for end in range(len(fitting), condition.count - 1, -1):
        found = tuple(fitting[end - condition.count : end])
        if _within(condition, found):
            return found
    return ()


@lru_cache(maxsize=4 * 2000)
def _there(area: Area | None, place: Place | None) -> bool:
    """Whether that is in the area, its edge included; what has no place is nowhere."""
    if area is None or place is None:
        return area is None
    return bool(outline(area).beyond(np.array([place.lat]), np.array([place.lon]))[0] <= 0)


def _together(each: Sequence[tuple[Known, ...]]) -> tuple[Known, ...]:
    """All of them, each once, in order."""
    return tuple(sorted({one.id: one for some in each for one in some}.values(), key=order))


def _sequence(steps: Sequence[Condition], facts: Sequence[Known]) -> tuple[Known, ...]:
    """The last step first, and each one before that which follows it."""
    found: list[tuple[Known, ...]] = []
    for step in reversed(steps):
        step_found = met(step, facts)
        if not step_found:
            return ()
        found.append(step_found)
        facts = [one for one in facts if order(one) < order(step_found[0])]
    return _together(found)


def _within(condition: Condition, found: Sequence[Known]) -> bool:
    limit = condition.within
    return limit is None or not found or found[-1].at - found[0].at <= round(limit * SECOND)


def proper(condition: Condition, of: str, deep: int = 1) -> None:
    """Raise BadInput, which names the rule that it is `of`, unless it is one that can be met, and says so in one way only."""
    ways = [name for name in ("fact", "all", "any", "sequence") if getattr(condition, name)]
    if len(ways) != 1:
        said = " and ".join(ways) or "none of them"
        raise BadInput(f"{of}: a condition has one of fact, all, any and sequence; this one has {said}")
    if condition.area is not None:
        _proper_area(condition.area, condition, ways[0], of)
    if condition.count > 1 and not condition.fact:
        raise BadInput(f"{of}: count goes with fact, and not with {ways[0]}: count the facts inside")
    if deep > DEEPEST:
        raise BadInput(f"{of}: conditions lie at most {DEEPEST} deep in one another; make it two rules")
    if blank := [word for word in condition.fact if not word.strip()]:
        raise BadInput(f"{of}: {blank[0]!r} is no fact; write call, call:Fire, report, post, or a type of detection")
    for inner in inside(condition):
        proper(inner, of, deep + 1)


def _proper_area(area: Area, condition: Condition, way: str, of: str) -> None:
    if not condition.fact:
        raise BadInput(f"{of}: area goes with fact, and not with {way}: give each fact inside its own")
    try:
        outline(area)
    except BadInput as wrong:
        raise BadInput(f"{of}: the area of {condition.fact[0]}: {wrong.message}") from wrong


def inside(condition: Condition) -> tuple[Condition, ...]:
    """The conditions of which it is made."""
    return condition.all + condition.any + condition.sequence


def words(condition: Condition) -> Iterator[str]:
    """The facts that it speaks of, in its own order."""
    yield from condition.fact
    for inner in inside(condition):
        yield from words(inner)


def known(fact: Telling | Detection, spoken: Iterable[str]) -> Known | None:
    """The fact as it is remembered; None when the rule does not speak of it."""
    fitting = tuple(sorted(word for word in spoken if fits(word, fact)))
    if not fitting:
        return None
    return Known(
        id=fact.id,
        at=fact.at,
        words=fitting,
        place=fact.place,
        cell=fact.cell,
        sources=(fact.source,) if isinstance(fact, Telling) else fact.sources,
        datastreams=() if isinstance(fact, Telling) else fact.datastreams,
    )


def is_told(word: str) -> bool:
    """Whether a word of a rule speaks of what people tell: calls, reports or posts, all or those of a category."""
    return word.partition(":")[0] in TELLINGS


def fits(word: str, fact: Telling | Detection) -> bool:
    """Whether a word of a rule speaks of it: all calls, reports or posts, those of a category, or a type of detection."""
    if isinstance(fact, Telling):
        noun, _, category = word.partition(":")
        return noun == word_of(fact) and fact.category.startswith(category)
    return word == fact.type
