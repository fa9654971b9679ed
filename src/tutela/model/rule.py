"""What a rule says: a condition over facts (calls, reports, posts and detections), and what may change how pressing it is; and a rule as it is kept."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .area import Area
from .noun import Noun
from .scales import Scale

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class Condition(Noun, frozen=True, kw_only=True):
    """One of `fact`, `all`, `any` and `sequence`; a condition may hold others.

    `fact`: words, of which one has to fit: "call", "report", "post", each alone or with how its category begins
    ("call:Fire"), or a type of detection. `count`: that many such facts. `area`: only those in it. `all`: each of them is met; `any`: one of them is; `sequence`: each is met
    after the one before it. `within`: seconds in which all of that has to happen.
    """

    fact: tuple[str, ...] = ()
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    area: Area | None = None
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    sequence: tuple[Condition, ...] = ()
    within: Seconds | None = None


class Absence(Noun, frozen=True, kw_only=True):
    """Nothing that meets `of` comes within so many seconds after the rule's condition was met."""

    of: Condition
    within: Seconds


class Change(Noun, frozen=True, kw_only=True):
    """While a rule's detection lasts and this is met, it is as pressing as `scale` says: more, or less."""

    when: Condition
    scale: Scale


class Term(Noun, frozen=True, kw_only=True):
    """A detector of the rule's own: `part` is its file's name; facts are named by `name`."""

    part: str
    name: Name
    options: dict[str, object] = {}


class Rule(Noun, frozen=True, kw_only=True):
    """A rule as it is written; `rule` are the options of the part of that name, without name and purpose."""

    name: Name
    says: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    purpose: str
    terms: tuple[Term, ...] = ()
    rule: dict[str, object]


class Armed(Noun, frozen=True, kw_only=True):
    """Body of `rule@1`: the rule, since when it is armed (None: it is taken back from then on), and who did that."""

    rule: Rule
    since: int | None
    by: str
    at: int


class InForce(Noun, frozen=True, kw_only=True):
    """A rule that is armed. `begun`: every partition of the live timeline is past `since`, so whatever comes now is looked at."""

    rule: Rule
    since: int
    by: str
    at: int
    begun: bool
