"""What a rule would have told on recorded days, before it is armed: on history, into an empty state, changing nothing.

The rule's terms run over the recorded observations, then the rule over what they find, the recorded calls and what other
detectors found at the time, in the order of event time; last the desk joins what the rule tells as it would have for
people. It begins with nothing: what would have begun before the first day is not seen; nor is, of the live timeline, what
people told and nobody is shown any more (public posts of more than a day ago).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby

from tutela.errors import BadInput
from tutela.model.detection import Detection
from tutela.model.flow import Fact, Lease, Message
from tutela.model.telling import Telling
from tutela.model.when import DAY, MINUTE

from . import hop
from .backtested import Backtested
from .correlate import Came, Correlate
from .detecting import DETECT, DetectStage
from .detector import Detector, is_citywide
from .stage import Where
from .tried import Days, Tried, minute_of, summed

TURN = 256
"""Messages of one turn."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule to try: its terms as a stage over observations, what sees facts, and the words it is known by.

    The stage has those that judge quality too: what they doubt the terms do not see.
    """

    name: str
    terms: DetectStage
    facts: tuple[Detector, ...]
    own: frozenset[str]


async def days(lake: Backtested, timeline: str, number: float, asked: int) -> Days:
    """The newest so many recorded days of a timeline, asked for now; raises BadInput when nothing is recorded."""
    until = await lake.ticked(timeline)
    if not until:
        raise BadInput(f"nothing is recorded on {timeline}; name another timeline")
    return Days(timeline, until - round(number * DAY), until, asked)


async def backtest(lake: Backtested, trial: Trial, on: Days, each: float, zone: tzinfo) -> Tried:
    """Run a rule over recorded days. `each`: minutes that an alert takes an operator."""
    facts = [fact async for fact in _recorded(lake, trial, on)]
    facts += [found async for found in _terms(lake, trial, on)]
    facts.sort(key=lambda fact: (fact.at, fact.id))
    found = [one for one in _found(trial, facts, on) if one.type == trial.name]
    return summed(trial.name, found, on, each, zone)


async def _recorded(lake: Backtested, trial: Trial, on: Days) -> AsyncIterator[Fact]:
    """What people told, and what others detected, in those days."""
    stream = hop.second(on.timeline)
    known: set[tuple[str, int]] = set()
    # From the first on: ticks come behind what workers do, and calls do not wait for them.
    async for message in lake.recorded(on.timeline, "desk", 0, 0, await lake.offset(stream)):
        if not message.subject.endswith((".tick", ".settled", ".desk")):  # what correlation found goes to people only
            for fact in hop.facts(message.body):
                name = (fact.id, 0 if isinstance(fact, Telling) else fact.revision)
                own = isinstance(fact, Detection) and fact.type in trial.own
                if not own and name not in known and on.holds(fact):
                    known.add(name)
                    yield fact


async def _terms(lake: Backtested, trial: Trial, on: Days) -> AsyncIterator[Detection]:
    """What the rule's own terms find in the observations of those days."""
    stage = trial.terms
    if not stage.detectors:
        return
    last = await lake.offset(hop.observations(on.timeline))
    first = await lake.passed(on.timeline, DETECT, on.since)
    for partition in range(stage.partitions):
        lease = Lease(timeline=on.timeline, stage=DETECT, partition=partition, epoch=0, sequence=0, snapshot=0)
        fold = await stage.begin(lease, {})
        subjects = frozenset(stage.subjects(lease))
        messages = lake.recorded(on.timeline, DETECT, partition, first, last)
        async for some in _cut(messages, subjects):
            for detection in (await fold.turn(some)).detections:
                if on.since <= detection.at < on.until and detection.type in trial.own:
                    yield detection


async def _cut(messages: AsyncIterator[Message], subjects: frozenset[str]) -> AsyncIterator[Sequence[Message]]:
    waiting: list[Message] = []
    async for message in messages:
        if message.subject in subjects:
            waiting.append(message)
        if len(waiting) == TURN:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _found(trial: Trial, facts: Sequence[Fact], on: Days) -> Iterator[Detection]:
    """What the rule finds in all facts: neighbourhood by neighbourhood, and over the whole city."""
    ways = trial.terms.ways
    local = [detector for detector in trial.facts if not is_citywide(detector)]
    for way in range(ways) if local else ():
        mine = [fact for fact in facts if way in hop.route(fact, ways)]
        yield from _correlated(trial, local, way, _minutes(mine, on))
    if whole := [detector for detector in trial.facts if is_citywide(detector)]:
        yield from _correlated(trial, whole, hop.CITY, _minutes(facts, on))


def _correlated(trial: Trial, detectors: Sequence[Detector], way: int, all_: Iterable[Came]) -> Iterator[Detection]:
    where = Where(f"backtest/{trial.name}", "correlate", way, "DET")
    correlate = Correlate(detectors, where, trial.terms.ways)
    state = correlate.begin()
    for came in all_:
        state, noticed = correlate.turn(state, [came])
        yield from noticed.detections


def _minutes(facts: Iterable[Fact], on: Days) -> Iterator[Came]:
    """The facts of each minute, and the tick that ends it; minutes without a fact have their tick too."""
    by_minute = {minute: tuple(some) for minute, some in groupby(facts, key=lambda fact: minute_of(fact.at))}
    for minute in on.minutes:
        yield Came(minute, by_minute.get(minute, ()), tick=(minute + 1) * MINUTE)
