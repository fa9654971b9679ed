"""How residents' reports stand: each step an event about the day of the report, told to whoever reported.

There is no table that could say otherwise: the steps of a day are read together and folded. A report goes by a number that names its
day, so that its steps are found by it. What moderators and reporters write is sealed with the report's own words, and goes with them.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from tutela.errors import BadInput, Conflict, NotFound
from tutela.maths.cells import metres
from tutela.maths.numbers import day_of, number_of, plain
from tutela.model.event import Event
from tutela.model.handling import (
    KIND,
    UNDER_WAY,
    Handling,
    HandlingStatus,
    HandlingStep,
    NearReport,
    begun,
    standing,
    steps,
    subject_of,
)
from tutela.model.place import Place
from tutela.model.telling import ServiceRequest, Telling
from tutela.model.timeline import LIVE
from tutela.model.when import DAY

from .once import tell, there
from .ports import Clock, Keys, Log
from .prose import Prose
from .record import bucket_of

WORDS = 2000
"""Characters of what is told at a step."""

OF_A_DAY = 5000
"""Reports of one day that are looked at."""

NEAR, LATELY = 100.0, 14
"""Metres and days within which two reports of the same sort may be one."""

_telling = msgspec.json.Decoder(Telling).decode

Change = Callable[[Handling], Handling]


class Told(Protocol):
    """What people told: that of a time, bare, the oldest first; and the sealed event of one of them."""

    async def told_within(self, word: str, timeline: str, since: int, until: int, most: int) -> Sequence[Telling]: ...  # noqa: D102  told above
    async def telling(self, id_: str) -> Event: ...  # noqa: D102  the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlings:
    """How the reports of an instance stand."""

    log: Log
    told: Told
    keys: Keys
    prose: Prose
    clock: Clock

    async def report(self, id_: str) -> ServiceRequest:
        """A report, whole; raises NotFound, and Refused when it was erased."""
        event = await self.told.telling(id_)
        found = _telling(event.body if event.key is None else await self.keys.open(event.key, event.body))
        if not isinstance(found, ServiceRequest):
            raise NotFound(f"there is no report {id_[:40]!r}")
        return msgspec.structs.replace(found, id=id_)

    async def of(self, report: ServiceRequest) -> Handling:
        """How it stands; what was written stays sealed."""
        found = standing(await self.log.about(subject_of(report.at))).get(report.id)
        return begun(report, number_of(report.id, report.at)) if found is None else found

    async def since(self, since: int, until: int) -> Sequence[tuple[ServiceRequest, Handling]]:
        """The reports of that time, bare, each with how it stands, newest first."""
        found: list[tuple[ServiceRequest, Handling]] = []
        for day in _days(since, until):
            told = await self.told.told_within("report", LIVE, max(since, day), min(until, day + DAY), OF_A_DAY)
            stand = standing(await self.log.about(subject_of(day)))
            reports = [one for one in told if isinstance(one, ServiceRequest)]
            found += [(one, stand.get(one.id) or begun(one, number_of(one.id, one.at))) for one in reversed(reports)]
        return found

    async def public(
        self, since: int, until: int, most: int, *, after: int = 0, fits: Callable[[Handling], bool] = lambda _: True
    ) -> Sequence[Handling]:
        """Those of that time that everybody may see and that fit, newest first, without the first ones, with the words that may be read."""
        found: list[Handling] = []
        for day in _days(since, until):
            stand = standing(await self.log.about(subject_of(day))).values()
            seen = [one for one in stand if one.public and since <= one.at < until and fits(one)]
            found += sorted(seen, key=lambda one: (-one.at, one.report))
            if len(found) >= after + most:
                break
        return [await self.for_all(one) for one in found[after : after + most]]

    async def numbered(self, number: str) -> tuple[ServiceRequest, Handling]:
        """The bare report of that number, and how it stands; raises NotFound."""
        day = day_of(number)
        wanted = plain(number)
        told = () if day is None else await self.told.told_within("report", LIVE, day, day + DAY, OF_A_DAY)
        for one in told:
            if isinstance(one, ServiceRequest) and number_of(one.id, one.at) == wanted:
                return one, await self.of(one)
        raise unknown(number)

    async def seen(self, number: str) -> Handling:
        """One of them; raises NotFound also where there is one that nobody has looked at yet."""
        _, handling = await self.numbered(number)
        if not handling.public:
            raise unknown(number)
        return await self.for_all(handling)

    async def near(self, category: str, place: Place) -> Sequence[NearReport]:
        """Reports of that sort that are dealt with near by, the nearest first: whoever reports may mean the same."""
        now = self.clock()
        found = [
            NearReport(handling=one, metres=round(metres(one.place, place)))
            for one in await self.public(now - LATELY * DAY, now + DAY, OF_A_DAY)
            if one.status in UNDER_WAY and one.category == category
        ]
        return sorted((one for one in found if one.metres <= NEAR), key=lambda one: (one.metres, one.handling.number))

    async def history(self, report: ServiceRequest) -> Sequence[HandlingStep]:
        """All its steps, the first one first, as whoever reported is told them."""
        taken = steps(await self.log.about(subject_of(report.at))).get(report.id, [])
        told = [
            HandlingStep(
                at=event.at,
                status=one.status,
                says=await self.prose.words(one.says),
                why=one.why,
                duplicate_of=one.duplicate_of,
            )
            for event, one in taken
        ]
        return [HandlingStep(at=report.at, status=HandlingStatus.RECEIVED), *told]

    async def for_all(self, handling: Handling) -> Handling:
        """As everybody may read it: what is said at a step is between a moderator and whoever reported, but for what was done in the end."""
        told = handling.says if handling.status is HandlingStatus.CLOSED else ""
        return await self.shown(msgspec.structs.replace(handling, says=told))

    async def shown(self, handling: Handling) -> Handling:
        """With what was written as people read it."""
        said = {name: await self.prose.words(getattr(handling, name)) for name in ("words", "says")}
        return msgspec.structs.replace(handling, **said)

    async def step(self, report: ServiceRequest, id_: str, by: str, change: Change) -> Handling:
        """Take a step, once under the id of its event. Raises what `change` raises, and Conflict when somebody else was first."""
        before = await self.of(report)
        if await there(self.log, id_):
            return await self.shown(before)
        after = change(before)
        sealed = {
            name: await self._sealed(report, getattr(before, name), getattr(after, name)) for name in ("words", "says")
        }
        kept = msgspec.structs.replace(after, **sealed)
        await tell(self.log, KIND, id_, kept, about=subject_of(report.at), by=by, at=self.clock())
        if await self.of(report) != kept:
            raise Conflict("somebody else has just changed this report; read it again", report=report.id)
        return await self.shown(kept)

    async def _sealed(self, report: ServiceRequest, before: str, after: str) -> str:
        """As it is stored: what was written just now is sealed."""
        if not after or after == before:
            return after
        return await self.prose.kept_in(bucket_of(report), after)

    @staticmethod
    def number(report: ServiceRequest) -> str:
        """What people know it by."""
        return number_of(report.id, report.at)

    def secret(self, report: str) -> str:
        """What its reporter follows it with. It is made from the id under a secret of the install, and kept nowhere."""
        return b32encode(self.keys.keyed(f"follow/{report}".encode())[:15]).decode()

    def follows(self, report: str, secret: str) -> bool:
        """Whether that is its secret."""
        return hmac.compare_digest(self.secret(report).encode(), secret.strip().upper().encode())


def unknown(number: str) -> NotFound:
    """Nobody may know whether it is there, and was not looked at."""
    return NotFound(f"there is no report {number[:40]!r} that everybody may see; a person looks at each first")


def said(words: str, what: str, *, must: bool = True) -> str:
    """Words without spaces around; raises BadInput when there are none, or too many."""
    found = words.strip()
    if (must and not found) or len(found) > WORDS:
        raise BadInput(f"say {what}, in up to {WORDS} letters: whoever reported reads it")
    return found


def _days(since: int, until: int) -> Sequence[int]:
    """The beginning of each day (UTC) that has a part of that time, the newest first."""
    return range((until - 1) // DAY * DAY, since // DAY * DAY - 1, -DAY)
