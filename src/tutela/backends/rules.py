"""What every engine that keeps facts refuses, and the words it uses: one rule, whatever the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tutela.errors import Broken, Conflict, Fenced, NotFound, Quarantined, Refused
from tutela.model.alert import Alert
from tutela.model.event import Event
from tutela.model.flow import Lease
from tutela.model.incident import Incident
from tutela.model.people import Agent, SignedIn
from tutela.model.register import Datastream, Thing
from tutela.model.resource import EmergencyResource
from tutela.model.when import iso

ROLE_ENDED = "role-ended"
"""Stands for a policy where a role has ended."""

COPIED = "passkey-copied"
"""The same, where a passkey looks as if there were two of it."""

LEASE = 3.0
"""Seconds that a lease lasts without a sign of life."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction makes of an alert or incident: its revisions, of which the last is kept."""

    first: int
    last: Alert | Incident

    def follows(self, stored: int | None) -> bool:
        """Whether this goes on from the revision that is stored; what is not stored may begin anywhere."""
        return stored is None or self.first == stored + 1


def changes(nouns: Sequence[Alert] | Sequence[Incident]) -> dict[str, Change]:
    """The changes by id; raises Broken when the revisions of one noun have a gap."""
    found: dict[str, Change] = {}
    for noun in nouns:
        before = found.get(noun.id)
        if before and noun.revision != before.last.revision + 1:
            raise Broken(
                f"{name_of(noun)} goes from revision {before.last.revision} to {noun.revision} in one turn; "
                "give every revision, in order"
            )
        found[noun.id] = Change(before.first if before else noun.revision, noun)
    return found


def name_of(noun: Alert | Incident | EmergencyResource) -> str:
    """What people call it: a unit by its call sign, all else by their ids."""
    if isinstance(noun, EmergencyResource):
        return f"the unit {noun.name}"
    return f"the {'alert' if isinstance(noun, Alert) else 'incident'} {noun.id}"


def changed_first(noun: Alert | Incident | EmergencyResource, stored: int, event: Event | None) -> Conflict:
    """Somebody else was first: who and when is in the newest event about it."""
    who = f"{event.by} at {iso(event.at)}" if event else "somebody else"
    return Conflict(
        f"{name_of(noun)} was changed first by {who}; read it again and decide anew",
        id=noun.id,
        revision=stored,
        by=event.by if event else None,
        at=event.at if event else None,
    )


def told_before(word: str, id_: str) -> Conflict:
    """The id of a call, report or post is taken by one that says something else."""
    return Conflict(
        f"a {word} {id_} was told before and says something else; give each {word} an id of its own", id=id_
    )


def fenced(lease: Lease) -> Fenced:
    """Another worker has the lease."""
    return Fenced(
        f"this worker lost {lease.timeline} {lease.stage} {lease.partition} (epoch {lease.epoch}); another one goes on",
        stage=lease.stage,
        partition=lease.partition,
    )


def not_leading(epoch: int) -> Fenced:
    """Another sealer leads."""
    return Fenced(f"this sealer no longer leads (epoch {epoch}); another one goes on")


def not_connecting(source: str) -> Fenced:
    """Another process runs the connections, or this one was taken out of the register."""
    return Fenced(f"the connection of {source} is run by another process, or was taken back", source=source)


def other_content(id_: str, revision: int) -> Broken:
    """Determinism is broken."""
    return Broken(
        f"the detection {id_} has revision {revision} already, with other content: the same input gave two answers; "
        "stop this worker and compare the two in the log",
        id=id_,
        revision=revision,
    )


def other_root(size: int) -> Broken:
    """Two checkpoints of one size."""
    return Broken(f"there is a checkpoint of size {size} with another root; stop the sealer and run `tutela verify`")


def not_there(what: str, id_: str) -> NotFound:
    """No such thing."""
    return NotFound(f"there is no {what} with the id {id_!r}; list the {what}s to see those that there are", id=id_)


def not_installed() -> NotFound:
    """No install row."""
    return NotFound("this database is empty; run `tutela up` once to install")


def not_registered(source: str) -> Quarantined:
    """A source without an entry."""
    return Quarantined(f"the source {source!r} is not in the register; enter it first", source=source)


def same_place(new: Thing | Datastream, old: Thing | Datastream) -> None:
    """Raise Conflict when a name is taken by another source, or a datastream would change its kind."""
    what = "Thing" if isinstance(new, Thing) else "Datastream"
    if new.source != old.source:
        raise Conflict(f"the {what} {new.name!r} belongs to the source {old.source!r}; use another name", name=new.name)
    if isinstance(new, Datastream) and new.kind != old.kind:
        raise Conflict(f"the {what} {new.name!r} is of kind {old.kind!r}; define a new one instead", name=new.name)


def untold(new: Thing, old: Thing) -> Thing:
    """What was heard of a Thing, with the place and the properties that are kept of it, where it tells none."""
    return msgspec.structs.replace(new, place=new.place or old.place, properties=new.properties or old.properties)


def defined(
    wanted: Sequence[Datastream], known: Mapping[str, Datastream], top: int, version: int
) -> tuple[list[Datastream], list[Datastream]]:
    """What a register makes of definitions: each as it is kept then, and those of them that are new or changed.

    `known` are those that are kept already, by name; `top` and `version` the highest id and version given so far.
    Ids have no gaps. Raises Conflict for a name that is taken.
    """
    now, new = dict(known), dict[str, Datastream]()
    for stream in wanted:
        old = now.get(stream.name)
        same_place(stream, old or stream)
        if old and msgspec.structs.replace(stream, id=old.id, version=old.version, changed=old.changed) == old:
            continue
        top, version = top + (old is None), version + 1
        now[stream.name] = new[stream.name] = msgspec.structs.replace(
            stream, id=old.id if old else top, version=version, changed=stream.changed if old else None
        )
    return [now[stream.name] for stream in wanted], list(new.values())


def no_code() -> NotFound:
    """An enrolment code that was never made."""
    return NotFound("there is no such enrolment code; look at how it is written, or ask for a new one")


def used(at: int) -> Conflict:
    """Somebody used the code before."""
    return Conflict(f"this enrolment code was used at {iso(at)}; ask for a new one", at=at)


def welcome(agent: Agent, role: str, until: int, at: int) -> None:
    """Raise Refused when the code is over or was made for another role, or when the agent's role has ended."""
    if at >= until:
        raise Refused(f"this enrolment code was good until {iso(until)}; ask for a new one", policy="enrolment")
    if agent.role != role:
        raise Refused(f"this enrolment code is for the role {role}, not {agent.role}", policy="enrolment")
    in_office(agent, at)


def same_person(new: Agent, old: Agent) -> None:
    """Raise Conflict when the id belongs to somebody else: a code is no way to another role. A role's end may change."""
    if msgspec.structs.replace(new, until=old.until) != old:
        raise Conflict(f"there is somebody else with the id {new.id!r}; choose another one", id=new.id)


def in_office(agent: Agent, now: int) -> None:
    """Raise Refused when the agent's role has ended."""
    if agent.until is not None and agent.until <= now:
        raise Refused(
            f"your role here, {agent.role} of {agent.agency}, ended at {iso(agent.until)}; "
            "who needs you for longer makes you a code with a later end",
            policy=ROLE_ENDED,
        )


def not_answered() -> Refused:
    """A challenge that never was, was answered, is over, or was somebody else's."""
    return Refused("this took too long, or was answered already; begin again", policy="passkey")


def another_passkey() -> Conflict:
    """A passkey that is known already."""
    return Conflict("this passkey is here already; make a new one on that device, or use this one")


def follows(kept: int, told: int) -> None:
    """Raise Refused when a passkey counts backwards: there are two of it. One that never counts says 0."""
    if (kept or told) and told <= kept:
        raise Refused(
            "this passkey was used elsewhere in the meantime, as if somebody had copied it; it lets nobody in any more. "
            "Come in by a code, and remove it",
            policy=COPIED,
        )


def may_come(agent: Agent, now: int) -> None:
    """Raise Refused when the owner of a passkey does not come in any more."""
    if agent.suspended:
        raise Refused("your account is suspended; speak to your supervisor", policy="F09-suspended")
    in_office(agent, now)


def signed_in(person: SignedIn | None, until: int, now: int) -> SignedIn:
    """Whose session it is, and that it holds; raises Refused when their role or the session is over, or never was."""
    if person is not None:
        in_office(person.agent, now)
    if person is None or person.agent.suspended or until <= now:
        raise Refused("this session is over; sign in again", policy="session")
    return person
