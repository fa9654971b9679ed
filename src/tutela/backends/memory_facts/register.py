"""The source register, the catalogue, the rules, and what could not be worked off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.backends.memory_facts.store import Store
from tutela.backends.rules import defined, not_registered, not_there, same_place, untold
from tutela.model.dead_letter import DeadLetter
from tutela.model.event import Event
from tutela.model.register import Datastream, Source, Thing
from tutela.model.rule import Armed


@dataclass
class MemoryRegister:
    """The source register and the catalogue."""

    store: Store = field(default_factory=Store)

    async def sources(self) -> Sequence[Source]:
        """All entries, by name."""
        return sorted(self.store.sources.values(), key=lambda source: source.name)

    async def enter(self, source: Source, event: Event) -> None:
        """Enter a source, or change its entry."""
        self.store.sources[source.name] = source
        self.store.log([event])

    async def things(self) -> Sequence[Thing]:
        """All Things, by id."""
        return list(self.store.things.values())

    async def datastreams(self, after: int = 0) -> Sequence[Datastream]:
        """The datastreams with a higher version, by version."""
        newer = (datastream for datastream in self.store.datastreams.values() if datastream.version > after)
        return sorted(newer, key=lambda datastream: datastream.version)

    async def define(
        self,
        things: Sequence[Thing],
        datastreams: Sequence[Datastream],
        told: Callable[[Sequence[Datastream]], Sequence[Event]] | None = None,
        *,
        heard: bool = False,
    ) -> Sequence[Datastream]:
        """Enter or change Things and Datastreams by name; the datastreams with their ids and versions."""
        for source in sorted(
            {*(one.source for one in things), *(one.source for one in datastreams)} - self.store.sources.keys()
        ):
            raise not_registered(source)
        for thing in things:
            same_place(thing, self.store.things.get(thing.name, thing))
        known = self.store.datastreams
        version = max((datastream.version for datastream in known.values()), default=0)
        whole, new = defined(datastreams, known, len(known), version)
        for thing in things:
            entry = untold(thing, self.store.things.get(thing.name, thing)) if heard else thing
            self.store.things[thing.name] = _numbered(entry, self.store.things)
        known.update({datastream.name: datastream for datastream in new})
        if told and new:
            self.store.log(told(new))
        return whole

    async def refuse(self, counts: Mapping[tuple[str, int, str], int]) -> None:
        """Add to the counts by (source, minute, reason)."""
        self.store.refused.update(counts)

    async def refused(self, since: int) -> Mapping[tuple[str, int, str], int]:
        """The counts of minutes from then on."""
        return {key: count for key, count in self.store.refused.items() if key[1] >= since}


@dataclass
class MemoryRules:
    """The rules that people wrote: the newest of each name, as the log tells."""

    store: Store = field(default_factory=Store)

    async def arm(self, armed: Armed, event: Event) -> None:  # noqa: ARG002  its event tells it
        """Keep it, with its event."""
        self.store.log([event])

    async def rules(self) -> Sequence[Armed]:
        """All, in order of name."""
        told = (event for event in self.store.events.values() if event.kind == "rule@1")
        newest = {event.subject: msgspec.json.decode(event.body, type=Armed) for event in told}
        return [armed for _, armed in sorted(newest.items())]


@dataclass
class MemoryDeadLetters:
    """What could not be worked off."""

    store: Store = field(default_factory=Store)

    async def dead(self, letters: Sequence[DeadLetter], events: Sequence[Event]) -> None:
        """Set letters aside; one that was taken up before waits again, unless this is of an earlier try."""
        for letter in letters:
            before = self.store.letters.get(letter.id, letter)
            if before.tries > letter.tries:
                continue
            self.store.letters[letter.id] = msgspec.structs.replace(
                before, replayed_at=None, at=letter.at, reason=letter.reason, says=letter.says
            )
        self.store.log(events)

    async def dead_letters(self, most: int) -> Sequence[DeadLetter]:
        """The newest letters that wait."""
        waiting = [letter for letter in self.store.letters.values() if letter.replayed_at is None]
        return sorted(waiting, key=lambda letter: (-letter.at, letter.id))[:most]

    async def revive(self, id_: str, at: int) -> DeadLetter:
        """Take a letter up again; raises NotFound."""
        if id_ not in self.store.letters:
            raise not_there("dead letter", id_)
        letter = self.store.letters[id_]
        self.store.letters[id_] = msgspec.structs.replace(letter, tries=letter.tries + 1, replayed_at=at)
        return self.store.letters[id_]


def _numbered(entry: Thing, known: Mapping[str, Thing]) -> Thing:
    """The Thing under the id of its name, else under the next one: ids have no gaps."""
    id_ = known[entry.name].id if entry.name in known else len(known) + 1
    return msgspec.structs.replace(entry, id=id_)
