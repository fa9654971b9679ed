"""`tutela rules` and `tutela backtest`: a rule from its file, tried on recorded days, armed and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from tutela.app.core import Core, clock, core
from tutela.app.detecting import instance, instances, named, parted
from tutela.app.lake import lake
from tutela.app.refusing import written_down
from tutela.app.settings import Settings
from tutela.app.wording import sentences
from tutela.errors import BadInput, NotFound, PartMissing
from tutela.flow.backtest import Trial, backtest, days
from tutela.flow.detecting import DetectStage
from tutela.flow.detector import Detector
from tutela.flow.explain import Sentences
from tutela.flow.options import identified
from tutela.flow.read_rules import On
from tutela.flow.rules import arm, checked, disarm, read, spoken, standing, uses
from tutela.flow.tail import UpToNow
from tutela.flow.tried import Tried
from tutela.maths.met import is_told
from tutela.model.rule import Armed, InForce, Rule
from tutela.model.when import moment

BY = "install"


def rule_of(path: Path) -> Rule:
    """The rule in a file, whose parts can all be made; raises BadInput with what is wrong and where."""
    try:
        text = path.read_text()
        rule = checked(msgspec.json.decode(text, type=Rule)) if path.suffix == ".json" else read(text)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{path} can't be read: {wrong}") from wrong
    return whole(rule)


def whole(rule: Rule) -> Rule:
    """The same rule, if all of its parts can be made, and what it speaks of can be found."""
    try:
        *terms, met = [instance(use, "UTC") for use in uses(rule)]
    except PartMissing as wrong:
        raise BadInput(f"{rule.name}: {wrong.message}") from wrong
    identified([*terms, met])
    taken = {use.name for use in named()}
    if rule.name in taken:
        raise BadInput(f"{rule.name}: a detector of the city has that name; take another one")
    for term in terms:
        _fit(term)
    observing = {detector.name for detector in instances("UTC")[0]} | {term.name for term in rule.terms}
    for word in sorted(spoken(rule)):
        if word not in observing and not is_told(word):
            raise BadInput(
                f"{rule.name}: no fact is called {word!r}; there are: call, report and post, each alone or as "
                f"call:CATEGORY, and {', '.join(sorted(observing))}"
            )
    return rule


def _fit(term: Detector) -> None:
    """Raise BadInput for a detector that can't be a rule's own."""
    card = term.card
    why = None
    if card.quality:
        why = "what it doubts is kept from all detectors; name it in a system"
    elif card.personal_data:
        why = "it takes personal data, and what a rule's term finds is stored in the clear"
    elif card.key != "datastream":
        why = "it looks at facts, and what it finds goes to people only; only detectors of observations can be terms"
    if why:
        raise BadInput(f"{term.name}: {card.finds} It can't be a rule's own: {why}")


def trial(inside: Core, rule: Rule) -> Trial:
    """The rule as it is tried."""
    zone = inside.install.zone
    made = parted(instance(use, zone) for use in uses(rule))
    judges = [detector for detector in instances(zone)[0] if detector.card.quality]
    terms = DetectStage((*judges, *made[0]) if made[0] else (), inside.known, inside.keys, inside.install.ways)
    return Trial(rule.name, terms, made[1], frozenset(use.name for use in uses(rule)))


async def tried(inside: Core, rule: Rule, on: On) -> Tried:
    """What it would have told."""
    if on.timeline not in (known := await inside.facts.timelines()):
        raise NotFound(f"there is no timeline {on.timeline!r}; there are: {', '.join(sorted(known))}")
    history = UpToNow(lake(inside), inside.streams, inside.install.ways)
    recorded = await days(history, on.timeline, on.days, clock())
    return await backtest(history, trial(inside, rule), recorded, on.each, ZoneInfo(inside.install.zone))


async def run(settings: Settings, path: Path, on: On) -> tuple[Tried, str]:
    """`tutela backtest`: what it would have told, for programs and in words."""
    async with written_down(settings, f"backtest of {path.name}"):
        rule = await asyncio.to_thread(rule_of, path)
    async with core(settings, "backtest", connections=2) as inside:
        await inside.known.refresh()
        told = await tried(inside, rule, on)
        return told, words(told, sentences(inside), ZoneInfo(inside.install.zone))


def words(told: Tried, says: Sentences, zone: ZoneInfo) -> str:
    """What a backtest found, as a person reads it."""
    lines = [
        f"{told.rule} on {told.timeline}, {_clock(told.since, zone)} to {_clock(told.until, zone)}:",
        f"  {told.alerts} alerts ({told.per_day:.1f} a day), {told.detections} detections; one operator sees {told.shown}",
        f"  {told.minutes:g} minutes of operators' time, at {told.each:g} minutes each",
        *(f"  {date}  {count}" for date, count in told.by_day.items()),
    ]
    examples = [f"  {_clock(one.since, zone)}  {one.scale.severity}: {says.alert(one)}" for one in told.examples]
    return "\n".join([*lines, *(["examples:"] if examples else []), *examples])


def _clock(at: int, zone: ZoneInfo) -> str:
    return f"{moment(at).astimezone(zone):%Y-%m-%d %H:%M}"


async def listed(settings: Settings) -> Sequence[InForce]:
    """The rules in force."""
    async with core(settings, "rules", connections=1) as inside:
        return await standing(inside.facts, inside.facts)


async def armed(settings: Settings, path: Path) -> Armed:
    """Put the rule in a file in force."""
    async with written_down(settings, f"arm {path.name}"):
        rule = await asyncio.to_thread(rule_of, path)
    async with core(settings, "rules", connections=1) as inside:
        return await arm(inside.facts, rule, BY, clock())


async def disarmed(settings: Settings, name: str) -> Armed:
    """Take a rule back."""
    async with core(settings, "rules", connections=1) as inside:
        return await disarm(inside.facts, name, BY, clock())
