"""Reads of what residents tell the city: reports and public posts, the newest ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from tutela.errors import Refused
from tutela.model.access import Access, Ask
from tutela.model.telling import ServiceRequest, Telling
from tutela.policy.purposes import CLASSES, Action, ask

from .catalogue import Known
from .ledger import Ledger
from .ports import Desk, Keys

Word = Literal["report", "post"]

_told = msgspec.json.Decoder(Telling).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReads:
    """Reads of reports and posts. Each raises Refused, and leaves one event."""

    ledger: Ledger
    known: Known
    desk: Desk
    keys: Keys
    fresh: Callable[[], Awaitable[None]]
    marked: Callable[[Ask, str], Ask]

    async def newest(self, access: Access, word: Word, timeline: str, most: int = 50) -> Sequence[Telling]:
        """The newest ones: whole where a duty needs what was written, else bare. Whole ones are named."""
        query = f"the newest {most} {word}s"
        general = ask(access, Action.READ, f"{word}s", self.ledger.now)
        await self.fresh()
        told = [one for one, _ in await self.desk.told(word, timeline, most) if self._lasts(one, f"{word}s")]
        bare = await self.ledger.permitted(
            told, lambda one: self._of(access, one, f"{word}s"), general, timeline, query
        )
        shown = [await self._whole(access, one, f"{word}-contents") for one in bare]
        opened = [one.id for one, before in zip(shown, bare, strict=True) if one is not before]
        await self.ledger.wrote(access, timeline, query, (one.id for one in shown), persons=opened)
        return shown

    def _lasts(self, told: Telling, record_class: str) -> bool:
        """Whether its time is not over: what is past it is not there, and no reason to refuse the rest."""
        expires = CLASSES[record_class].expires(told.at)
        return expires is None or expires > self.ledger.now

    async def _whole(self, access: Access, bare: Telling, contents: str) -> Telling:
        if not self.ledger.may(self._of(access, bare, contents)):
            return bare
        event = await self.desk.telling(bare.id)
        try:
            body = event.body if event.key is None else await self.keys.open(event.key, event.body)
        except Refused:  # erased: what is left of it is bare
            return bare
        whole: Telling = msgspec.structs.replace(_told(body), id=bare.id, cell=bare.cell)
        # How whoever reported is reached is a class of its own: see handling_acts.
        return msgspec.structs.replace(whole, contact="") if isinstance(whole, ServiceRequest) else whole

    def _of(self, access: Access, told: Telling, record_class: str) -> Ask:
        source = self.known.sources.get(told.source)
        asked = ask(
            access,
            Action.READ,
            record_class,
            self.ledger.now,
            collected_for=(told.purpose,),
            agency=None if source is None else source.agency,
            expires=CLASSES[record_class].expires(told.at),
        )
        return self.marked(asked, told.id)
