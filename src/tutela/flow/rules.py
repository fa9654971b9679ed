"""Rules that people write: read, put into parts, armed and taken back.

A rule is one small file. Its `terms` are ordinary detectors whose findings are the rule's own (the desk does not show
them); its `rule` says what they mean together, with calls and with what other detectors find. From the moment it is
armed at, workers run all of them: a detector begins with the first recorded tick from then on, so a replay begins it there
too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from tutela.errors import BadInput, NotFound
from tutela.maths.ids import uuid_of
from tutela.model.detection import OWN
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.rule import Armed, InForce, Rule
from tutela.model.system import Use
from tutela.model.timeline import LIVE
from tutela.model.when import SECOND
from tutela.policy import refusals
from tutela.policy.purposes import known_purpose

from .correlating import CORRELATE
from .detecting import DETECT

SOON = 5 * SECOND
"""So long after it is armed a rule begins: until then every worker knows of it."""


class Rules(Protocol):
    """The rules that people wrote: `rules` gives the newest `Armed` of each name, in order of name."""

    async def arm(self, armed: Armed, event: Event) -> None: ...  # noqa: D102  told above
    async def rules(self) -> Sequence[Armed]: ...  # noqa: D102  told above


class Ticks(Protocol):
    """By timeline, the tick that all partitions of a stage have worked off (`ports.Outbox`)."""

    async def ticks(self, stage: str) -> Mapping[str, int]: ...  # noqa: D102  told above


def read(text: str) -> Rule:
    """A rule from its TOML; raises BadInput, which says what is wrong and where."""
    try:
        return checked(msgspec.convert(tomllib.loads(text), Rule))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise BadInput(f"the rule can't be read: {wrong}") from wrong


def checked(rule: Rule) -> Rule:
    """The same rule, if it speaks plainly of what there is; raises BadInput, or Refused for what nobody may look at."""
    known_purpose(rule.purpose, rule.name)
    refusals.names((one for term in rule.terms for one in (term.part, *refusals.declared(term.options))), rule.name)
    refusals.names(refusals.declared(rule.rule), rule.name)
    names = [term.name for term in rule.terms]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{rule.name}: two terms are called {doubled[0]!r}; give each its own name")
    if taken := sorted({"name", "purpose", "says"} & rule.rule.keys()):
        raise BadInput(f"{rule.name}: {taken[0]} stands at the top of the file, and not under [rule]")
    unused = sorted(set(names) - spoken(rule))
    if unused:
        raise BadInput(f"{rule.name}: nothing speaks of the term {unused[0]!r}; name it under [rule], or leave it out")
    return rule


def spoken(rule: Rule) -> set[str]:
    """The facts that it speaks of."""
    return set(_words(rule.rule))


def uses(rule: Rule) -> tuple[Use, ...]:
    """The detectors that a rule is made of: its terms, and what they mean together."""
    own = {term.name: f"{rule.name}{OWN}{term.name}" for term in rule.terms}
    terms = [Use(part=term.part, name=own[term.name], options=term.options) for term in rule.terms]
    options = {**_named(rule.rule, own), "purpose": rule.purpose, "says": rule.says}
    return (*terms, Use(part="rule", name=rule.name, options=options))


def begins(armed: Iterable[Armed]) -> Mapping[str, int]:
    """From which event time each detector of the rules in force works, by its name."""
    return {use.name: one.since for one in armed if one.since is not None for use in uses(one.rule)}


def in_force(armed: Iterable[Armed]) -> tuple[Armed, ...]:
    """Those that are armed, by name."""
    return tuple(sorted((one for one in armed if one.since is not None), key=lambda one: one.rule.name))


async def standing(rules: Rules, ticks: Ticks) -> tuple[InForce, ...]:
    """Those that are armed, by name, and whether each has begun: ticks may lag behind the clock."""
    passed = [(await ticks.ticks(stage)).get(LIVE, 0) for stage in (DETECT, CORRELATE)]
    return tuple(
        InForce(rule=one.rule, since=one.since, by=one.by, at=one.at, begun=one.since <= min(passed))
        for one in in_force(await rules.rules())
        if one.since is not None
    )


async def arm(rules: Rules, rule: Rule, by: str, now: int) -> Armed:
    """Put it in force, in a few seconds, in place of the one of that name."""
    return await _keep(rules, Armed(rule=rule, since=(now + SOON) // SECOND * SECOND, by=by, at=now))


async def disarm(rules: Rules, name: str, by: str, now: int) -> Armed:
    """Take it back; raises NotFound when there is none of that name in force."""
    known = {one.rule.name: one for one in in_force(await rules.rules())}
    if name not in known:
        there = ", ".join(known) or "none"
        raise NotFound(f"no rule called {name!r} is armed; there are: {there}")
    return await _keep(rules, Armed(rule=known[name].rule, since=None, by=by, at=now))


async def _keep(rules: Rules, armed: Armed) -> Armed:
    body = encode(armed)
    event = Event(
        id=uuid_of("rule@1", armed.rule.name, body),
        at=armed.at,
        by=armed.by,
        cause=None,
        kind="rule@1",
        timeline=LIVE,
        body=body,
        subject=armed.rule.name,
    )
    await rules.arm(armed, event)
    return armed


def _words(options: object) -> Iterable[str]:
    """The facts that conditions in these options speak of."""
    if isinstance(options, Mapping):
        for key, value in options.items():
            yield from _listed(value) if key == "fact" else _words(value)
    elif isinstance(options, (list, tuple)):
        for value in options:
            yield from _words(value)


def _named(options: Mapping[str, object], own: Mapping[str, str]) -> dict[str, object]:
    """The options with each term by the type of what it finds."""

    def named(key: str, value: object) -> object:
        if key == "fact":
            return [own.get(word, word) for word in _listed(value)]
        if isinstance(value, Mapping):
            return {inner: named(inner, one) for inner, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [named("", one) for one in value]
        return value

    return {key: named(key, value) for key, value in options.items()}


def _listed(value: object) -> list[str]:
    """One word, or several: both may be written."""
    try:
        return msgspec.convert([value] if isinstance(value, str) else value, list[str])
    except msgspec.ValidationError as wrong:
        raise BadInput(f"fact is a word, or a list of words; {value!r} is neither") from wrong
