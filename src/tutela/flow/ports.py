"""What the flow asks of the rooms around it. Structural: nobody inherits from these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tutela.model.access import Ask
from tutela.model.alert import Alert
from tutela.model.dead_letter import DeadLetter
from tutela.model.detection import Detection
from tutela.model.event import Checkpoint, Entry, Event, Seal, Sealed
from tutela.model.flow import Effects, Lease, Message, Newest, Outgoing
from tutela.model.incident import Incident
from tutela.model.install import Install
from tutela.model.people import Agent, Session, Shift, SignedIn, Sitting
from tutela.model.register import Datastream, Kept, Reach, Source, Thing
from tutela.model.rows import Rows
from tutela.model.telling import Call, Telling

Ids = npt.NDArray[np.int32]
"""Numbers of datastreams."""

Clock = Callable[[], int]
"""Microseconds since 1970, UTC. Live: the machine's clock; elsewhere: the timeline's own."""


class Reader(Protocol):
    """An open place in a stream. `fetch` returns at once what is there, else waits at most `wait` seconds."""

    async def fetch(self, most: int, wait: float) -> Sequence[Message]: ...
    async def close(self) -> None: ...


class Streams(Protocol):
    """The telemetry lane (NATS JetStream). A publish returns only when the message is on the disk.

    `last` is the sequence of the newest message ever stored, or of the newest one kept on a subject; 0 for none.
    """

    async def open(self, stream: str, subjects: Sequence[str]) -> None: ...
    async def publish(self, subject: str, body: bytes, id_: str, headers: Mapping[str, str]) -> int: ...
    async def read(self, stream: str, subjects: Sequence[str], after: int) -> Reader: ...
    async def last(self, stream: str, subject: str = "") -> int: ...
    async def has(self, stream: str, id_: str, since: int) -> bool: ...
    async def purge(self, stream: str, below: int) -> None: ...


class Keys(Protocol):
    """Bucket keys (purpose × class × period or case). Destroying one erases all that it sealed; then there is a new one.

    `keyed` is a digest with a secret of the install, for ids: the same body has the same one for ever, after a restore too,
    and nobody without that secret can tell what it is of, not even by trying.
    """

    async def seal(self, bucket: str, plain: bytes) -> tuple[str, bytes]: ...
    async def open(self, key: str, sealed: bytes) -> bytes: ...
    async def destroy(self, key: str) -> None: ...
    def keyed(self, body: bytes) -> bytes: ...


class Timelines(Protocol):
    """What is settled at install, and the timelines, each with a lease row for every partition of every stage.

    `install` gives what holds: an install that is there already is never changed. It opens `live`.
    """

    async def install(self, wanted: Install) -> Install: ...
    async def timelines(self) -> Sequence[str]: ...
    async def open_timeline(self, name: str, at: int, says: str = "") -> None: ...


Told = Callable[[Sequence[Datastream]], Sequence[Event]]
"""The events of what was defined."""


class Register(Protocol):
    """The source register and the catalogue of Things and Datastreams.

    `define` gives the datastreams back with the ids and versions that the register holds; those that come in are not
    looked at. What is defined as it was stays as it is; `told` gives the events of what is new or changed, which are
    kept in the same transaction. A Thing that was only `heard` of keeps the place and the properties it does not tell. `datastreams` gives those whose version is higher, by version: some of them, as long as
    there are more. `refuse` adds to the counts by (source, minute in microseconds, reason).
    """

    async def sources(self) -> Sequence[Source]: ...
    async def enter(self, source: Source, event: Event) -> None: ...
    async def things(self) -> Sequence[Thing]: ...
    async def datastreams(self, after: int = 0) -> Sequence[Datastream]: ...
    async def define(
        self,
        things: Sequence[Thing],
        datastreams: Sequence[Datastream],
        told: Told | None = None,
        *,
        heard: bool = False,
    ) -> Sequence[Datastream]: ...
    async def refuse(self, counts: Mapping[tuple[str, int, str], int]) -> None: ...
    async def refused(self, since: int) -> Mapping[tuple[str, int, str], int]: ...


class Connections(Protocol):
    """How sources are reached that are fetched from or listened to, and where each one stopped.

    `connect` enters or changes one with its event: one of another part, or read by another standard or
    with other options of it, begins without a mark: what came before may now say something else. `disconnect` logs nothing when
    there is none. `attend` gives the epoch while this worker runs the connections (else None); what it remembers and
    reports holds under that epoch: `remember` raises Fenced when another one runs them, or the connection is there no more.
    """

    async def connections(self) -> Sequence[Kept]: ...
    async def connect(self, kept: Kept, event: Event) -> None: ...
    async def disconnect(self, source: str, event: Event) -> None: ...
    async def attend(self, worker: str) -> int | None: ...
    async def mark(self, source: str) -> bytes: ...
    async def remember(self, epoch: int, source: str, mark: bytes) -> None: ...
    async def report(self, epoch: int, conditions: Sequence[Reach]) -> None: ...
    async def conditions(self) -> Sequence[Reach]: ...


class DeadLetters(Protocol):
    """What could not be worked off: kept with its event, listed while it waits, taken up again one by one.

    `revive` counts a try, marks the letter and hands it over; a letter that dies again waits again.
    """

    async def dead(self, letters: Sequence[DeadLetter], events: Sequence[Event]) -> None: ...
    async def dead_letters(self, most: int) -> Sequence[DeadLetter]: ...
    async def revive(self, id_: str, at: int) -> DeadLetter: ...


class Leases(Protocol):
    """Partitions leased to workers, fenced by epoch; a worker that stalls loses them after `seconds`."""

    async def heartbeat(self, worker: str) -> int: ...
    async def take(self, worker: str, stage: str, most: int) -> Sequence[Lease]: ...
    async def renew(self, leases: Sequence[Lease]) -> Sequence[Lease]: ...
    async def release(self, leases: Sequence[Lease]) -> None: ...


class Snapshots(Protocol):
    """How far a stream is worked off for good: the least sequence that all partitions of these stages have saved."""

    async def snapshotted(self, timeline: str, stages: Sequence[str]) -> int: ...


class Turns(Protocol):
    """State and effects of one partition: one transaction each turn, fenced by the lease's epoch.

    `commit` raises Fenced when the lease is lost, Broken when a detection's revision says something else
    than before, Conflict when somebody else changed an alert first. Effects that are there already are
    left alone, and the outbox rows that tell of such a detection (by their body) are not sent again.
    Every revision of an alert is given, in order. A commit that succeeds also renews the lease.
    """

    async def load(self, lease: Lease) -> Mapping[str, Mapping[str, bytes]]: ...
    async def commit(self, lease: Lease, effects: Effects) -> None: ...
    async def open_alerts(self, timeline: str) -> Sequence[Alert]: ...
    async def shifts(self) -> Sequence[Shift]: ...


class Outbox(Protocol):
    """What is committed and still to be sent, in order of commit.

    `ticks` gives, by timeline, the least tick that all partitions of a stage have worked off; read it
    before `pending`: when everything pending has been sent, the second hop may be told that tick.
    """

    async def pending(self, most: int) -> Sequence[Outgoing]: ...
    async def sent(self, ids: Sequence[str]) -> None: ...
    async def wait(self, seconds: float) -> None: ...
    async def ticks(self, stage: str) -> Mapping[str, int]: ...


class Log(Protocol):
    """The one append-only log, as it is read: sealed, in the tree's order.

    `after` is the last position that was read, -1 for none; `last` is the newest position. `event` and `about` also give what is not
    sealed yet; `naming` the newest queries since then that showed a record about somebody, oldest first. `wait` returns when
    something was committed or sealed since this task last waited.
    """

    async def append(self, events: Sequence[Event]) -> None: ...
    async def sealed(self, after: int, most: int) -> Sequence[Sealed]: ...
    async def last(self) -> int: ...
    async def event(self, id_: str) -> Event: ...
    async def about(self, subject: str) -> Sequence[Event]: ...
    async def naming(self, record: str, since: int, most: int) -> Sequence[Event]: ...
    async def wait(self, seconds: float) -> None: ...


class Sealing(Protocol):
    """What the sealer writes: leaves in commit order, checkpoints.

    `lead` gives the epoch while this worker leads (else None). `round` seals at most `most` events and
    gives the size of the tree before and the new leaves; it raises Fenced when somebody else leads.
    `after` is the last position that was read, -1 for none.
    """

    async def lead(self, worker: str) -> int | None: ...
    async def round(self, epoch: int, leaf_of: Callable[[Event], bytes], most: int) -> tuple[int, Sequence[bytes]]: ...
    async def leaves(self, after: int, most: int) -> Sequence[bytes]: ...
    async def checkpoint(self, point: Checkpoint) -> None: ...
    async def checkpoints(self) -> Sequence[Checkpoint]: ...


class Progress(Protocol):
    """How far the log is sealed, in one look: cheap enough to be asked each second."""

    async def progress(self) -> Seal: ...


class Witness(Protocol):
    """Checkpoints kept outside of the database: lines that are only ever added.

    `append` returns when the line is on the disk. `last` gives the newest, `lines` those that are there when
    it is asked, oldest first; both give them whole, without the line feed. A line that was cut off while it
    was written was never there.
    """

    async def append(self, line: bytes) -> None: ...
    async def last(self) -> bytes | None: ...
    def lines(self) -> AsyncIterator[bytes]: ...


class Audit(Protocol):
    """The log as it is stored, flaws and all, for whoever verifies it.

    `entries` gives what is sealed in order of position (`after` as in `Log`); `unsealed` gives events that
    the sealer has passed without sealing them: there are none unless somebody put them there behind its back.
    """

    async def entries(self, after: int, most: int) -> Sequence[Entry]: ...
    async def unsealed(self, most: int) -> Sequence[Event]: ...


class Desk(Protocol):
    """What people change: alerts, incidents, calls, shifts. Each with its events, in one transaction.

    `alerts` are the open ones, highest rank first; `alerts_since` all that lasted until then, the newest first;
    `alert_counts` says how many of each type there ever were; `calls` and `incidents` come newest first, a call bare
    and with the id of its (sealed) event; `call` gives that event, `bare` the bare call. `incidents` are at most
    that many of those under way, or of those that are over, from the one `after` on; `incidents_of` gives all that
    hold one of these calls. `told` gives the newest calls, reports or posts, by their word, as `calls` does; `telling`
    the event of any of them. `act` raises Conflict when somebody else was first, and says who. `tell` says whether what
    was told is new, and raises Conflict when another one was told under its id.
    """

    async def alerts(self, timeline: str) -> Sequence[Alert]: ...
    async def alerts_since(self, timeline: str, since: int, most: int) -> Sequence[Alert]: ...
    async def alert_counts(self, timeline: str) -> Mapping[str, int]: ...
    async def alert(self, id_: str) -> Alert: ...
    async def detections(self, ids: Sequence[str]) -> Sequence[Detection]: ...
    async def incidents(
        self, timeline: str, most: int, *, over: bool = False, after: Incident | None = None
    ) -> Sequence[Incident]: ...
    async def incidents_of(self, timeline: str, calls: Sequence[str]) -> Sequence[Incident]: ...
    async def incident(self, id_: str) -> Incident: ...
    async def calls(self, timeline: str, most: int) -> Sequence[tuple[Call, str]]: ...
    async def call(self, id_: str) -> Event: ...
    async def bare(self, id_: str) -> Call: ...
    async def told(self, word: str, timeline: str, most: int) -> Sequence[tuple[Telling, str]]: ...
    async def telling(self, id_: str) -> Event: ...
    async def tell(self, told: Telling, event: Event, outgoing: Sequence[Outgoing]) -> bool: ...
    async def act(
        self, events: Sequence[Event], alerts: Sequence[Alert], incidents: Sequence[Incident], shifts: Sequence[Shift]
    ) -> None: ...


class People(Protocol):
    """Agents, one-time enrolment codes and sessions. Only hashes of secrets are kept.

    A code works once, until its time: `invited` (role, until) and `enrol` raise NotFound for one that is not known, Conflict for
    one that is used, and `enrol` Refused for one that is over, or when the agent's role has ended. Who enrols once more is who they
    were; only the end of their role may be another. `restate` keeps what an agent is from now on, and raises NotFound. `who` raises
    Refused when the session is over, or the role. `active`: somebody did something just now. `end` ends a session, if it goes on.
    `sittings` are the sessions of an agent that hold, the one with this hash being their `own`; `end_others` ends all of its owner but that.
    `lasts` is the end of an agent's session, the latest if there are more; 0 when there never was one.
    """

    async def enrol(self, code_hash: bytes, agent: Agent, event: Event) -> None: ...
    async def invite(self, code_hash: bytes, role: str, until: int, event: Event) -> None: ...
    async def invited(self, code_hash: bytes) -> tuple[str, int]: ...
    async def begin(self, token_hash: bytes, session: Session, now: int) -> None: ...
    async def who(self, token_hash: bytes, now: int) -> SignedIn: ...
    async def active(self, token_hash: bytes, now: int) -> None: ...
    async def end(self, token_hash: bytes, event: Event) -> None: ...
    async def lasts(self, agent: str) -> int: ...
    async def restate(self, agent: Agent, event: Event) -> None: ...
    async def sittings(self, agent: str, own: bytes, now: int) -> Sequence[Sitting]: ...
    async def end_others(self, own: bytes, event: Event) -> None: ...


class Values(Protocol):
    """The newest value of each datastream."""

    async def newest(self, timeline: str, kind: str) -> Sequence[Newest]: ...


class Lake(Protocol):
    """History: the rows of a stream and how far it is archived, in one transaction.

    `archive` takes all of `stream` after sequence `since` up to `upto`, in order; it raises Conflict when
    `since` is not what `offset` says, so nothing is archived twice. `series` gives each (time, value) once,
    in order of time, since ≤ time < until, the first `most` of them; of a personal kind there is none, but `sealed`
    gives the messages that hold such rows of one partition. `recorded` gives the messages that one partition of one stage
    read, in the recorded order, since < sequence ≤ until. `tidy` does what a lake needs each night; what it
    no longer shows it forgets when it is older than `before` (microseconds).
    """

    async def offset(self, stream: str) -> int: ...
    async def archive(self, stream: str, messages: Sequence[Message], since: int, upto: int) -> None: ...
    async def series(self, timeline: str, kind: str, datastream: int, since: int, until: int, most: int) -> Rows: ...
    async def sealed(self, timeline: str, kind: str, partition: int, since: int, until: int) -> Sequence[Message]: ...
    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]: ...
    async def tidy(self, before: int) -> None: ...


class Past(Protocol):
    """What the lake keeps longer than it may.

    `overdue` counts the rows of these datastreams that lie in the clear and are before a time (microseconds), and not before
    `since`; `forget` deletes them and gives how many they were, `shred` removes what was deleted from every file.
    """

    async def overdue(self, timeline: str, datastreams: Ids, before: int, since: int = ...) -> int: ...
    async def forget(self, timeline: str, datastreams: Ids, before: int, since: int = ...) -> int: ...
    async def shred(self) -> None: ...


class Copying(Protocol):
    """While somebody copies the instance, nothing is removed that the copy counts on.

    `removing` tells whether something may be removed now; as long as it is open, no copy begins.
    """

    def removing(self) -> AbstractAsyncContextManager[bool]: ...


class Recorded(Protocol):
    """All that a replay may see of the lake: what was recorded.

    `forgotten` tells, up to a sequence, how many rows were deleted since their time was over, and the first sequence that
    lacks some (None: none does).
    """

    async def offset(self, stream: str) -> int: ...
    def recorded(self, timeline: str, stage: str, partition: int, since: int, until: int) -> AsyncIterator[Message]: ...
    async def forgotten(self, timeline: str, upto: int) -> tuple[int, int | None]: ...


class Stored(Protocol):
    """What was found and stored: events of these kinds whose cause begins so, by id, after that id ("": from the start)."""

    async def stored(
        self, timeline: str, cause: str, kinds: Sequence[str], after: str, most: int
    ) -> Sequence[Event]: ...


class Policy(Protocol):
    """Decides. Raises `Refused` with the id and the sentence of the policy that says no.

    `digest` is of all policies that decide, so that the log tells by which set something was decided.
    """

    @property
    def digest(self) -> str: ...
    def check(self, ask: Ask) -> None: ...


class Facts(
    Timelines,
    Register,
    Connections,
    DeadLetters,
    Leases,
    Turns,
    Outbox,
    Log,
    Sealing,
    Progress,
    Desk,
    People,
    Values,
    Protocol,
):
    """All that PostgreSQL keeps, for the app to pass on in parts."""
