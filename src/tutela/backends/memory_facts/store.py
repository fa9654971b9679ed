"""The tables of the fake, and how a change of them is all or nothing: check first, then write, never wait between."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tutela.backends.bell import Bell
from tutela.backends.rules import Change, changed_first
from tutela.model.alert import Alert
from tutela.model.dead_letter import DeadLetter
from tutela.model.detection import Detection
from tutela.model.event import Checkpoint, Event, Sealed
from tutela.model.flow import Newest, Outgoing, encode
from tutela.model.incident import Incident
from tutela.model.install import Install
from tutela.model.people import Agent, Passkey, Session, Shift
from tutela.model.register import Datastream, Kept, Reach, Source, Thing
from tutela.model.telling import Telling

SALT = 16

Place = tuple[str, str, int]
"""A row of the lease table: timeline, stage, partition."""


def _now() -> int:
    return time.time_ns() // 1000


def _salted(event: Event) -> Event:
    """Leaves are published, in proofs: without a salt, whoever guesses an event could see that it happened."""
    return event if event.salt else msgspec.structs.replace(event, salt=secrets.token_bytes(SALT))


@dataclass
class Held:
    """One row of the lease table; times in microseconds."""

    owner: str | None = None
    epoch: int = 0
    until: int = 0
    sequence: int = 0
    snapshot: int = 0
    ticked: int = 0


@dataclass
class Invitation:
    """A one-time code: for which role, until when, used when."""

    role: str
    until: int
    used_at: int | None = None


@dataclass
class Sitting:
    """A session, and when somebody last did something in it (microseconds)."""

    session: Session
    active: int


@dataclass
class Store:
    """Everything. `clock` is what the leases go by (microseconds)."""

    clock: Callable[[], int] = _now
    bell: Bell = field(default_factory=Bell)
    installed: Install | None = None
    timelines: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    datastreams: dict[str, Datastream] = field(default_factory=dict)
    connections: dict[str, Kept] = field(default_factory=dict)
    connecting: Held = field(default_factory=Held)
    marks: dict[str, bytes] = field(default_factory=dict)
    conditions: dict[str, Reach] = field(default_factory=dict)
    refused: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    letters: dict[str, DeadLetter] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    sealed: list[Sealed] = field(default_factory=list)
    sealer: Held = field(default_factory=Held)
    checkpoints: dict[tuple[int, int], Checkpoint] = field(default_factory=dict)
    cosignatures: dict[tuple[int, int, str], tuple[bytes, int, bytes]] = field(default_factory=dict)
    tiles: list[bytes] = field(default_factory=list)
    workers: dict[str, int] = field(default_factory=dict)
    leases: dict[Place, Held] = field(default_factory=dict)
    columns: dict[Place, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    newest: dict[Place, Newest] = field(default_factory=dict)
    outbox: dict[str, Outgoing] = field(default_factory=dict)
    detections: dict[str, dict[int, Detection]] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    told: dict[str, tuple[Telling, str]] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    invitations: dict[bytes, Invitation] = field(default_factory=dict)
    sessions: dict[bytes, Sitting] = field(default_factory=dict)
    passkeys: dict[str, Passkey] = field(default_factory=dict)
    challenges: dict[bytes, tuple[str | None, int]] = field(default_factory=dict)
    shifts: dict[tuple[str, int], Shift] = field(default_factory=dict)

    def log(self, events: Sequence[Event]) -> None:
        """Append the events that are not there yet."""
        new = {event.id: _salted(event) for event in events if event.id not in self.events}
        self.events.update(new)
        if new:
            self.bell.ring("event")

    def about(self, subject: str) -> list[Event]:
        """The events about something, in order of commit."""
        return [event for event in self.events.values() if event.subject == subject]

    def due(
        self, changes: Mapping[str, Change], stored: Mapping[str, Alert] | Mapping[str, Incident]
    ) -> list[Alert | Incident]:
        """What is to be stored: what follows, without what is there already; raises Conflict for the rest."""
        due = []
        for id_, change in changes.items():
            before = stored.get(id_)
            if change.follows(None if before is None else before.revision):
                due.append(change.last)
            elif before is not None and not self._known(change.last, before):
                about = self.about(id_)
                raise changed_first(change.last, before.revision, about[-1] if about else None)
        return due

    def _known(self, noun: Alert | Incident, stored: Alert | Incident) -> bool:
        """Whether this very revision was stored or logged before: the turn or act is done again."""
        return noun == stored or any(event.body == encode(noun) for event in self.about(noun.id))
