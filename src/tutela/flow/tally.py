"""What the register counts of the log: each event is looked at once, and only sums are kept.

What people typed is not among them: a purpose that is in no list is counted as another one, for it could be anybody's name.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import msgspec

from tutela.model.event import Event
from tutela.model.figures import Changed, Times, cell
from tutela.model.people import Role
from tutela.policy.purposes import PURPOSES

from .ledger import Asker
from .ports import Log
from .retain import Over

AT_ONCE = 1000
PAGES = 200
"""Pages that one look reads at most; of a log that is longer the next look reads on."""

CHANGES = {
    "source@1": "source",
    "datastreams@1": "datastreams",
    "connection@1": "connection",
    "register-words@1": "words",
    "rule@1": "rule",
    "witness@1": "witness",
    "witness-ended@1": "witness ended",
}
"""Events that change what the register says, and what they are called in it. Who did it is in the log."""

SHOWN = 50
OTHER = "(another)"
COUNTED = {"query@1": "reads", "refusal@1": "refusals", "export@1": "exports"}
LATEST = {"restore@1": "restored", "backup@1": "backed-up"}


class _Asked(msgspec.Struct, frozen=True):
    """What all of these bodies say."""

    asker: Asker


_asked = msgspec.json.Decoder(_Asked).decode
_over = msgspec.json.Decoder(Over).decode


@dataclass(slots=True)
class Tally:
    """The sums so far, of the log up to `after`."""

    after: int = -1
    times: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    deleted: int = 0
    erased: int = 0
    latest: dict[str, int] = field(default_factory=dict)
    changes: deque[Changed] = field(default_factory=lambda: deque(maxlen=SHOWN))

    async def catch_up(self, log: Log) -> None:
        """Count what came since."""
        for _ in range(PAGES):
            some = await log.sealed(self.after, AT_ONCE)
            for sealed in some:
                self.add(sealed.event)
                self.after = sealed.position
            if len(some) < AT_ONCE:
                return

    def add(self, event: Event) -> None:
        """One event."""
        if event.kind in COUNTED:
            asker = _asked(event.body).asker
            role = asker.role if asker.role in set(Role) else OTHER
            purpose = asker.purpose if asker.purpose in PURPOSES else OTHER
            self.times[COUNTED[event.kind], role, purpose] += 1
        elif event.kind in CHANGES:
            name = event.subject.removeprefix("register/")
            self.changes.append(Changed(at=event.at, what=CHANGES[event.kind], name=name))
        elif event.kind in LATEST:
            self.latest[LATEST[event.kind]] = event.at
        elif event.kind == "retention@1":
            self.deleted += _over(event.body).rows
        elif event.kind == "erasure@1":
            self.erased += 1

    def told(self, what: str) -> tuple[Times, ...]:
        """Reads, refusals or exports, by role and purpose."""
        found = sorted((role, purpose, times) for (of, role, purpose), times in self.times.items() if of == what)
        return tuple(Times(role=role, purpose=purpose, times=cell(times)) for role, purpose, times in found)
