"""A small town in memory, with everything behind the screens: people, sources, values, alerts, calls; and its app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from tutela_helsinki import NAME as HELSINKI

from tutela.app.addresses import Addresses
from tutela.app.administering import choices, sends
from tutela.app.city_map import CityMap
from tutela.app.core import policies
from tutela.app.detecting import instance, parted
from tutela.app.pictures import clean
from tutela.app.registering import capabilities as noticing
from tutela.app.serve import BODY
from tutela.app.settings import Settings
from tutela.app.verifying import script
from tutela.backends.ceremonies import WebAuthn
from tutela.backends.checkpoints import verifies
from tutela.backends.memory import MemoryStreams
from tutela.backends.memory_facts import MemoryFacts, Store
from tutela.backends.memory_facts.passkeys import MemoryPasskeys
from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.memory_lake import MemoryLake
from tutela.errors import Quarantined
from tutela.flow import hop
from tutela.flow.act import Acts
from tutela.flow.aid import investigations
from tutela.flow.approve import Approvals
from tutela.flow.approve_acts import ApprovalActs
from tutela.flow.arming import Arming
from tutela.flow.arming_acts import ArmingActs, patience
from tutela.flow.backtest import Trial, backtest, days
from tutela.flow.bundle import opened
from tutela.flow.case import Cases
from tutela.flow.case_acts import CaseActs
from tutela.flow.catalogue import Known
from tutela.flow.changes import Changes
from tutela.flow.command import Incidents
from tutela.flow.counting import Counting
from tutela.flow.deed import Deeds
from tutela.flow.detecting import DetectStage
from tutela.flow.entering import define, enter
from tutela.flow.entry_acts import EntryActs
from tutela.flow.evidence import Evidence
from tutela.flow.explain import Sentences
from tutela.flow.figures import Figuring
from tutela.flow.fleet import Definition
from tutela.flow.fleet import enter as enter_units
from tutela.flow.gateway import Gateway
from tutela.flow.glass import GlassActs, Glasses
from tutela.flow.handling import Handlings
from tutela.flow.handling_acts import HandlingActs
from tutela.flow.handover import HandoverActs
from tutela.flow.handover_write import Writing
from tutela.flow.health import Health
from tutela.flow.history import History
from tutela.flow.hold import Holds
from tutela.flow.hold_acts import HoldActs
from tutela.flow.investigate import Investigations
from tutela.flow.invite_acts import InviteActs
from tutela.flow.kpis import KpiReads
from tutela.flow.ledger import Ledger
from tutela.flow.nearby import Nearby
from tutela.flow.oidc import Oidc, Provider
from tutela.flow.oversee import Oversight
from tutela.flow.paper_acts import PaperActs
from tutela.flow.papers import Papers
from tutela.flow.passkeys import Passkeys
from tutela.flow.people import Staff
from tutela.flow.ports import Policy
from tutela.flow.prose import Prose
from tutela.flow.published import Publishing
from tutela.flow.rates import Rates
from tutela.flow.read import Reads, reads
from tutela.flow.read_health import HealthReads
from tutela.flow.read_rules import On, RuleReads
from tutela.flow.read_staged import StagedReads
from tutela.flow.record import Recorder
from tutela.flow.register_public import Registering
from tutela.flow.reporting import Reporting
from tutela.flow.retention import Retained, RetentionReads
from tutela.flow.rights import Rights
from tutela.flow.rights_acts import RightsActs
from tutela.flow.rights_erasure import Erasure
from tutela.flow.rules import uses
from tutela.flow.seal import leaf_of
from tutela.flow.serious import SeriousActs
from tutela.flow.source_acts import SourceActs
from tutela.flow.subject_access import Search
from tutela.flow.suspending import Suspending
from tutela.flow.totp import Totp, Ways
from tutela.flow.tried import Tried
from tutela.flow.units import UnitActs
from tutela.flow.watching import Watching
from tutela.flow.witnesses import enter as enter_witness
from tutela.maths.cells import cell_of
from tutela.maths.ids import uuid_of
from tutela.maths.merkle import Tree
from tutela.model import cosign, note, wire
from tutela.model.access import Access
from tutela.model.alert import Alert, AlertStatus
from tutela.model.call import Call
from tutela.model.detection import Detection
from tutela.model.event import Checkpoint, Event
from tutela.model.flow import Newest, encode
from tutela.model.install import Install
from tutela.model.paper import Agreement, Filed, Paper
from tutela.model.people import Agent, Role
from tutela.model.place import Place
from tutela.model.post import Post
from tutela.model.register import Datastream, Source, Thing
from tutela.model.report import ServiceRequest
from tutela.model.reporting import PORTAL
from tutela.model.resource import EmergencyResource, ResourceKind, UnitStatus
from tutela.model.rows import Rows
from tutela.model.rule import Rule
from tutela.model.scales import Certainty, Scale, Severity, Urgency
from tutela.model.when import DAY, SECOND, parse
from tutela.model.why import ValueWas, Why
from tutela.screens import (
    admin,
    alerts,
    approvals,
    capabilities,
    capability_pages,
    case_pages,
    cases,
    city,
    city_map,
    entries,
    events,
    evidence,
    glass,
    handovers,
    health,
    holds,
    incidents,
    moderation,
    observations,
    open311,
    oversight,
    page,
    papers,
    passkeys,
    past,
    people,
    places,
    provider,
    published,
    register,
    resident,
    resident_reports,
    retention,
    rights,
    rights_pages,
    rules,
    serious,
    shell,
    staged,
    told,
    totp,
    transparency,
    units,
)
from tutela.screens.cases import Aid
from tutela.screens.console import Console
from tutela.screens.guard import Guard
from tutela.screens.headers import harden
from tutela.screens.openapi import description
from tutela.screens.problem import HANDLERS
from tutela.screens.sentences import language
from tutela.screens.window import Window
from tutela.sources.http import Door
from tutela.sources.http import routes as devices

SHIPPED = policies()
"""Proven against the golden table once, not for every town: they hold no state."""

NOW: int = parse("2026-11-25T08:00:00Z")
PARTITIONS = 4
INSTALL = Install(
    id="6ae6cf5c-9b1d-4d8e-8f6c-0d2b3c4d5e6f", partitions=PARTITIONS, zone="Europe/Helsinki", city="Helsinki", at=NOW
)
SQUARE = Place(lat=60.1695, lon=24.9354)
"""The railway square."""

MODERATE = Scale(urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY)
MINOR = Scale(urgency=Urgency.FUTURE, severity=Severity.MINOR, certainty=Certainty.LIKELY)
GRAVE = Scale(urgency=Urgency.IMMEDIATE, severity=Severity.SEVERE, certainty=Certainty.OBSERVED)

ORIGIN = f"tutela/{INSTALL.id}"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS = "witness.example/town"
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)

TOKEN = "a token of the sensors"
WHY = "?purpose=public-safety&basis=PublicInterest"
"""What every read and act of the tests names."""


def chance() -> Callable[[int], bytes]:
    """Bytes that look like chance, the same in each run."""
    numbers = count()
    return lambda size: sha256(str(next(numbers)).encode()).digest()[:size]


ALL = ("readings", "counts", "positions", "detections", "alerts", "incidents", "calls", "call-contents", "reports")
"""Classes of records that an agreement covers, where a test does not say which."""


def agreed(now: int, recipient: str, number: str, *classes: str) -> Paper:
    """An agreement, as somebody enters it."""
    about = Agreement(
        recipient=recipient,
        classes=classes or (*ALL, "report-contents", "posts", "post-contents", "cases"),
        purposes=("public-safety", "emergency-response"),
    )
    return Paper(
        number=number,
        authority="The town",
        signed="Aino Virtanen",
        about=about,
        since=now,
        until=now + 100 * DAY,
        sha256="ab" * 32,
    )


async def identify(token: str) -> str:
    """The tests have one source with a token."""
    if token != TOKEN:
        raise Quarantined("no source has this token; the tests' is in town.py")
    return "sensors"


def source(name: str, *purposes: str, personal: bool = False) -> Source:
    return Source(
        name=name,
        owner="Town (simulated)",
        kind="sensors",
        purposes=purposes,
        legal_basis="PublicInterest",
        personal_data=personal,
        place="Central Helsinki",
        simulated=True,
    )


@dataclass
class Town:
    """All that the screens stand on. `now` is the time, when nobody gave a clock."""

    clock: Callable[[], int]
    facts: MemoryFacts
    keys: MemoryKeys
    streams: MemoryStreams
    known: Known
    ledger: Ledger
    staff: Staff
    reads: Reads
    health: Health
    lake: MemoryLake
    gateway: Gateway
    recorder: Recorder
    acts: Acts
    incidents: Incidents
    registering: Registering
    number: count[int] = field(default_factory=count)
    copied: bool = False
    provider: Provider | None = None

    @property
    def rule_reads(self) -> RuleReads:
        async def tried(rule: Rule, on: On) -> Tried:
            recorded = await days(self.lake, on.timeline, on.days, self.ledger.now)
            made = parted(instance(use, INSTALL.zone) for use in uses(rule))
            trial = Trial(rule.name, DetectStage(made[0], self.known, self.keys), made[1], frozenset())
            return await backtest(self.lake, trial, recorded, on.each, ZoneInfo(INSTALL.zone))

        return RuleReads(ledger=self.ledger, rules=self.facts, ticks=self.facts, try_=tried)

    @property
    def staged_reads(self) -> StagedReads:
        return StagedReads(ledger=self.ledger, desk=self.facts, log=self.facts)

    @property
    def health_reads(self) -> HealthReads:
        return HealthReads(
            ledger=self.ledger,
            known=self.known,
            progress=self.facts,
            report=self.health.report,
            witnesses=self.facts.watched,
            off=self.arming.off,
        )

    @property
    def sentences(self) -> Sentences:
        return Sentences(language(), self.known, ZoneInfo(INSTALL.zone))

    @property
    def passkeys(self) -> Passkeys:
        return Passkeys(staff=self.staff, store=MemoryPasskeys(self.facts.store), ceremonies=WebAuthn())

    @property
    def totp(self) -> Totp:
        return Totp(staff=self.staff, issuer=INSTALL.city)

    @property
    def oidc(self) -> Oidc:
        return Oidc(staff=self.staff, store=MemoryPasskeys(self.facts.store), provider=self.provider)

    @property
    def console(self) -> Console:
        return Console(
            reads=self.reads,
            health=self.health_reads,
            staged=self.staged_reads,
            staff=self.staff,
            ways=Ways(self.passkeys, self.totp, self.oidc),
            invites=self.invites,
            acts=self.acts,
            incidents=self.incidents,
            units=UnitActs(self.ledger, self.facts, self.facts),
            moderating=self.moderating,
            glass=self.glass,
            sentences=self.sentences,
            install=INSTALL,
        )

    async def token(self, role: Role = Role.OPERATOR, name: str = "Aino", agency: str = "city") -> str:
        """Somebody who has enrolled: the token of their session."""
        return (await self.person(role, name, agency))[1]

    async def person(self, role: Role, name: str, agency: str = "city") -> tuple[Agent, str]:
        return await self.staff.enrol(await self.staff.invite_here(role, agency), name)

    def access(self, agent: Agent) -> Access:
        """How somebody acts."""
        return Access(agent=agent, purpose="public-safety", legal_basis="PublicInterest")

    async def alert(
        self, type_: str = "noise", scale: Scale = MODERATE, status: AlertStatus = AlertStatus.NEW, **changes: object
    ) -> Alert:
        """An alert, as the desk makes it from a detection of the noise at the square."""
        detection = self.noticed(type_, scale)
        made = msgspec.structs.replace(opened(detection, simulated=True), status=status, shown_at=self.clock())
        made = msgspec.structs.replace(made, event=uuid_of("alert", made.id, 0), **changes)
        self.facts.store.detections[detection.id] = {0: detection}
        await self.change(made)
        return made

    async def change(self, alert: Alert, by: str = "desk") -> None:
        """A new revision of an alert, with its event."""
        event = Event(
            id=uuid_of("alert", alert.id, alert.revision),
            at=self.clock(),
            by=by,
            cause=None,
            kind="alert@1",
            timeline="live",
            body=encode(alert),
            subject=alert.id,
        )
        await self.facts.act([event], [alert], [], [])

    def noticed(self, type_: str = "noise", scale: Scale = MODERATE) -> Detection:
        """A detection: it is loud at the square."""
        now, datastream = self.clock(), self.known.datastream(1)
        number = next(self.number)
        return Detection(
            id=uuid_of("detection", type_, number),
            timeline="live",
            detector="threshold",
            version=1,
            options="00",
            type=type_,
            key=str(number),
            since=now - 95 * SECOND,
            at=now - 35 * SECOND,
            place=datastream.place,
            cell=datastream.cell,
            scale=scale,
            confidence=0.94,
            purpose="public-safety",
            why=Why(
                message="threshold.above",
                inputs={
                    "observed_property": "noise",
                    "unit": "dB(A)",
                    "result": 91.5,
                    "high": 85.0,
                    "low": 75.0,
                    "hold": 60.0,
                },
                unless=ValueWas(datastream=1, time=now - 35 * SECOND, column="result", was=91.5, would=75.0),
            ),
            datastreams=(1,),
            sources=("sensors",),
        )

    async def call(self, said: str = "An elderly person fell on the stairs.", category: str = "EMS: fall") -> Call:
        """A call that somebody took; the call as it goes by here."""
        number = next(self.number)
        made = Call(
            id=f"112-{number}",
            timeline="live",
            source="calls",
            at=self.clock() - 40 * SECOND,
            place=SQUARE,
            cell=0,
            category=category,
            said=said,
            caller="+358 40 0000000",
        )
        return await self.facts.bare(await self.recorder.tell(made))

    async def report(self, said: str = "A tree lies across the pavement.", category: str = "Trees: fallen tree") -> str:
        """A report that a resident made; its id."""
        made = ServiceRequest(
            id=f"report-{next(self.number)}",
            timeline="live",
            source="portal",
            at=self.clock() - 60 * SECOND,
            place=SQUARE,
            cell=0,
            category=category,
            said=said,
        )
        return await self.recorder.tell(made)

    async def post(self, said: str = "Smoke over our street!", category: str = "Fire") -> str:
        """A public post; its id."""
        made = Post(
            id=f"post-{next(self.number)}",
            timeline="live",
            source="feed",
            at=self.clock() - 20 * SECOND,
            place=SQUARE,
            cell=0,
            category=category,
            said=said,
        )
        return await self.recorder.tell(made)

    async def unit(
        self, name: str = "H11", thing: str | None = None, status: UnitStatus = UnitStatus.AVAILABLE
    ) -> EmergencyResource:
        """A unit that somebody entered."""
        told = Definition(name=name, agency="fire", kind=ResourceKind.ENGINE, thing=thing, status=status)
        (made,) = await enter_units(self.facts, self.facts, (told,), "install", self.clock())
        return made

    async def tracked(self, thing: str) -> int:
        """A Thing that tells its positions; the datastream's number."""
        await enter(self.facts, source("radio", "emergency-response", personal=True), "install", self.clock())
        things = [Thing(id=0, name=thing, kind="unit", source="radio")]
        stream = Datastream(
            id=0,
            name=f"{thing}/position",
            source="radio",
            thing=thing,
            kind="positions",
            observed_property="position",
            unit="deg",
            interval=5.0,
        )
        (found,) = await define(self.facts, things, [stream], "install", self.clock())
        await self.known.refresh()
        return found.id

    async def moves(self, number: int, place: Place, ago: int = 0) -> None:
        """A Thing says where it is; the datastream's number, and how many seconds ago."""
        rows = Rows(
            "positions",
            np.array([number], np.int32),
            np.array([self.clock() - ago * SECOND], np.int64),
            {"lat": np.array([place.lat]), "lon": np.array([place.lon])},
        )
        key, body = await self.keys.seal("emergency-response/positions/2026-11-25", wire.encode(rows))
        subject = hop.observed("live", "positions", number % PARTITIONS)
        await self.streams.publish(subject, body, f"moves {next(self.number)}", {"Key": key})

    async def values(self) -> None:
        """Newest values: all fresh but the silent one's, which is an hour old."""
        now = self.clock()
        for of in ("readings", "counts"):
            streams = [one for one in await self.facts.datastreams() if one.kind == of]
            for partition in {one.id % PARTITIONS for one in streams}:
                own = [one for one in streams if one.id % PARTITIONS == partition]
                ages = [3600 if one.name.endswith("silent") else 2 for one in own]
                rows = Rows(
                    of,
                    np.array([one.id for one in own], np.int32),
                    np.array([now - age * SECOND for age in ages], np.int64),
                    {"result": np.array([40 + one.id for one in own], np.float64 if of == "readings" else np.int64)},
                )
                newest = Newest(timeline="live", kind=of, partition=partition, sequence=1, body=wire.encode(rows))
                self.facts.store.newest["live", of, partition] = newest

    async def seal(self) -> None:
        """Seal all that is committed."""
        epoch = await self.facts.lead("sealer")
        assert epoch is not None
        while (await self.facts.round(epoch, leaf_of, 1000))[1]:
            pass

    @property
    def publishing(self) -> Publishing:
        return Publishing(self.facts, LOG_KEY.public_key().public_bytes_raw(), verifies)

    @property
    def holds(self) -> Holds:
        return Holds(log=self.facts, desk=self.facts, prose=Prose(self.keys), clock=self.clock)

    @property
    def cases(self) -> Cases:
        return Cases(log=self.facts, prose=Prose(self.keys), clock=self.clock)

    @property
    def aid(self) -> Aid:
        return Aid(self.case_acts, self.investigations, self.papers)

    @property
    def case_acts(self) -> CaseActs:
        return CaseActs(ledger=self.ledger, cases=self.cases, colleagues=self.facts)

    @property
    def investigations(self) -> Investigations:
        return investigations(self.reads.desk, self.facts, self.facts, self.facts, self.clock)

    @property
    def retained(self) -> Retained:
        facts = self.facts
        return Retained(
            register=facts,
            ages=facts,
            lake=self.lake,
            keys=self.keys,
            log=facts,
            spared=self.holds.spared,
            clock=self.clock,
        )

    @property
    def rights(self) -> Rights:
        prose = Prose(self.keys)
        return Rights(log=self.facts, prose=prose, clock=self.clock, chance=self.staff.chance, zone=INSTALL.zone)

    @property
    def rights_acts(self) -> RightsActs:
        erasure = Erasure(
            log=self.facts,
            desk=self.facts,
            keys=self.keys,
            spared=self.holds.spared,
            copying=self,
            clock=self.clock,
        )
        search = Search(reads=self.reads)
        return RightsActs(ledger=self.ledger, rights=self.rights, search=search, erasure=erasure)

    @property
    def serious(self) -> SeriousActs:
        prose = Prose(self.keys)
        return SeriousActs(ledger=self.ledger, log=self.facts, prose=prose, register=self.registering.public)

    @asynccontextmanager
    async def removing(self) -> AsyncIterator[bool]:
        """Somebody may be copying the town."""
        yield not self.copied

    def registers_at(self) -> int:
        """The register's time, which a test may move."""
        return self.registering.clock()

    def figuring(self) -> Figuring:
        async def signs(text: bytes) -> bytes:
            return LOG_KEY.sign(text)

        counting = Counting(
            kept=self.facts,
            known=self.known,
            registering=self.registering,
            policies=self.ledger.policies,
            clock=self.registers_at,
            began=self.clock(),
        )
        return Figuring(counting=counting, key=note.verifier_key(ORIGIN, self.publishing.public), signs=signs)

    @property
    def watching(self) -> Watching:
        return Watching(things=self.facts, known=self.known, registering=self.registering, clock=self.registers_at)

    @property
    def admin_desk(self) -> admin.AdminDesk:
        async def issue(name: str) -> str:
            return f"a token of {name}"

        connecting, reading = choices()
        return admin.AdminDesk(
            sources=SourceActs(entries=self.entries, kept=self.facts, keys=self.keys, ready=sends, issue=issue),
            retention=RetentionReads(ledger=self.ledger, retained=self.retained),
            rules=self.rule_reads,
            install=INSTALL,
            parts=connecting,
            standards=reading,
        )

    @property
    def shift_desk(self) -> handovers.ShiftDesk:
        changes = Changes(desk=self.reads.desk, log=self.reads.log, kept=self.facts)
        writing = Writing(reads=self.reads, health=self.health_reads, changes=changes)
        acts = HandoverActs(ledger=self.ledger, log=self.facts, prose=Prose(self.keys), writing=writing)
        return handovers.ShiftDesk(acts=acts, kpis=KpiReads(changes=changes), install=INSTALL, named=WHERE.named)

    @property
    def papers(self) -> Papers:
        return Papers(log=self.facts, keys=self.keys, clock=self.clock)

    @property
    def arming_acts(self) -> ArmingActs:
        return ArmingActs(ledger=self.ledger, arming=self.arming, approvals=self.approvals, rates=patience(self.clock))

    @property
    def arming(self) -> Arming:
        return Arming(papers=self.papers, needed=self.registering.needed)

    async def agreement(self, recipient: str, number: str, *classes: str) -> Filed:
        """An agreement that stands, by which what these tests hand out may leave."""
        return await self.papers.enter(agreed(self.clock(), recipient, number, *classes), "install")

    @property
    def approvals(self) -> ApprovalActs:
        own = Approvals(log=self.facts, prose=Prose(self.keys), clock=self.clock, chance=self.staff.chance)
        return ApprovalActs(ledger=self.ledger, approvals=own)

    @cached_property
    def glass(self) -> GlassActs:
        own = Glasses(log=self.facts, prose=Prose(self.keys), clock=self.clock)
        return GlassActs(ledger=self.ledger, glasses=own)

    @property
    def invites(self) -> InviteActs:
        return InviteActs(staff=self.staff, approvals=self.approvals)

    @property
    def hold_acts(self) -> HoldActs:
        return HoldActs(ledger=self.ledger, holds=self.holds, approvals=self.approvals)

    @property
    def entries(self) -> EntryActs:
        return EntryActs(ledger=self.ledger, register=self.facts, approvals=self.approvals)

    @property
    def evidence(self) -> Evidence:
        async def signs(text: bytes) -> bytes:
            return LOG_KEY.sign(text)

        public = self.publishing
        key = note.verifier_key(ORIGIN, public.public)
        return Evidence(reads=self.reads, papers=self.papers, publishing=public, key=key, signs=signs, version="0")

    async def signed(self) -> Checkpoint:
        """Seal all that is committed, and sign it."""
        await self.seal()
        tree = Tree(sealed.leaf for sealed in self.facts.store.sealed)
        point = Checkpoint(origin=ORIGIN, epoch=1, size=len(tree), root=tree.root(), at=self.clock(), signature=b"")
        point = msgspec.structs.replace(point, signature=LOG_KEY.sign(note.text(point)))
        await self.facts.checkpoint(point)
        return point

    def cosigned(self, point: Checkpoint, key: Ed25519PrivateKey = WITNESS_KEY, name: str = WITNESS) -> str:
        """The checkpoint as its witness gives it back."""
        at = self.clock() // SECOND
        signature = key.sign(cosign.cosigned(note.text(point), at))
        given = cosign.signed_by(name, key.public_key().public_bytes_raw(), at, signature)
        return note.write(point, LOG_KEY.public_key().public_bytes_raw()) + cosign.write(given)

    async def witnessed(self) -> Checkpoint:
        """A checkpoint that the witness, which is entered, cosigned."""
        key = cosign.cosigner_key(WITNESS, WITNESS_KEY.public_key().public_bytes_raw())
        await enter_witness(self.facts, key, "The ombudsman of the town", "install", self.clock())
        point = await self.signed()
        await self.publishing.take(self.cosigned(point))
        return point

    @property
    def handlings(self) -> Handlings:
        return Handlings(log=self.facts, told=self.facts, keys=self.keys, prose=Prose(self.keys), clock=self.clock)

    @property
    def moderating(self) -> HandlingActs:
        return HandlingActs(ledger=self.ledger, handlings=self.handlings, known=self.known)

    @property
    def reporting(self) -> Reporting:
        return Reporting(
            handlings=self.handlings,
            tell=self.recorder.tell,
            known=self.known,
            clean=clean,
            chance=self.staff.chance,
        )

    @property
    def nearby(self) -> Nearby:
        return Nearby(values=self.facts, known=self.known, clock=self.clock)

    def events(self, kind: str) -> list[Event]:
        """What the log has of that kind."""
        return [event for event in self.facts.store.events.values() if event.kind == kind]

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """While the gateway runs, and everything committed is sealed at once."""

        async def sealing() -> None:
            while True:
                await self.seal()
                await self.facts.wait(1.0)

        tasks = [asyncio.ensure_future(self.gateway.run()), asyncio.ensure_future(sealing())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


WHERE = Addresses(HELSINKI)
CITY_MAP = CityMap(Settings(Path("nowhere"), {}), HELSINKI)
"""The map of the demonstration city."""


def application(here: Town, site: str = "") -> Litestar:
    """The app, as `tutela serve` has it."""
    guard = Guard(here.staff, Rates(here.clock), here.glass)
    capable = here.arming_acts
    figuring = here.figuring()
    asked = rights.desk(here.rights, here.rights_acts, guard, INSTALL.city)
    seat = oversight.Seat(
        oversight=Oversight(ledger=here.ledger, log=here.facts, chance=here.staff.chance, named=here.staff.named),
        registering=here.registering,
        requests=here.rights_acts,
        serious=here.serious,
        install=INSTALL,
    )
    portal = resident.Portal(
        reporting=here.reporting,
        nearby=here.nearby,
        find=WHERE.find,
        map=CITY_MAP,
        install=INSTALL,
        site=site or "https://town.example",
        simulated=lambda: True,
        rates=resident.looking(here.clock),
    )
    probes = {"PostgreSQL": here.facts.last, "NATS": lambda: here.streams.last("OBS-live")}
    return Litestar(
        route_handlers=[
            devices(Door(here.gateway.give, here.recorder.tell, here.known, identify)),
            observations.routes(here.reads, guard),
            alerts.routes(here.reads, here.acts, here.sentences, guard, WHERE.named),
            places.routes(here.ledger, WHERE.find, WHERE.named, guard),
            incidents.routes(here.reads, here.incidents, guard),
            units.routes(here.reads, here.console.units, guard),
            handovers.routes(here.shift_desk, guard),
            events.routes(here.reads, guard),
            past.routes(here.reads, guard),
            city.routes(INSTALL, here.clock, guard),
            people.routes(here.staff, here.invites, guard),
            passkeys.routes(here.passkeys, guard, site),
            totp.routes(here.totp, Suspending(staff=here.staff), guard),
            provider.routes(provider.Entrance(here.oidc, site, INSTALL.city), guard),
            published.routes(here.publishing, here.facts, ORIGIN, script()),
            register.routes(here.registering, figuring, INSTALL.zone),
            transparency.routes(
                Window(
                    watching=here.watching,
                    figuring=figuring,
                    acts=capable,
                    install=INSTALL,
                    find=WHERE.find,
                    map=CITY_MAP,
                    site=site,
                )
            ),
            city_map.routes(CITY_MAP),
            oversight.routes(seat.oversight, guard),
            oversight.page(seat, guard),
            serious.routes(here.serious, guard),
            health.routes(here.health_reads, probes, guard),
            staged.routes(here.staged_reads, guard),
            told.routes(here.reads, guard),
            moderation.routes(here.moderating, guard),
            resident.routes(portal),
            resident_reports.routes(portal),
            open311.routes(portal, identify),
            retention.routes(RetentionReads(ledger=here.ledger, retained=here.retained), guard),
            holds.routes(here.hold_acts, guard),
            approvals.routes(here.approvals, here.console, guard),
            entries.routes(here.entries, guard),
            glass.routes(here.glass, guard),
            evidence.routes(here.evidence, guard),
            cases.routes(here.aid, guard),
            case_pages.routes(case_pages.CasePages(here.aid, here.sentences, INSTALL), guard),
            rights.routes(asked),
            rights_pages.pages(asked),
            shell.routes(guard),
            capabilities.routes(capable, guard),
            capability_pages.routes(capable, guard, INSTALL),
            papers.routes(PaperActs(ledger=here.ledger, papers=here.papers), guard, INSTALL),
            rules.routes(here.rule_reads, guard),
            admin.routes(here.admin_desk, guard),
            page.routes(here.console, guard),
        ],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY,
        before_send=[harden],
        openapi_config=description("0"),
        logging_config=None,
    )


async def town(clock: Callable[[], int] = lambda: NOW, policy: Policy | None = None) -> Town:
    """The town, with its register and values, and without people, alerts and calls. `policy`: who else is to decide."""
    facts, keys, streams = MemoryFacts(Store(clock)), MemoryKeys(clock), MemoryStreams(clock)
    await facts.install(INSTALL)
    for stream, subjects in hop.everything("live").items():
        await streams.open(stream, subjects)
    known, ledger, health, bytes_ = (
        Known(facts, PARTITIONS),
        Ledger(policy or SHIPPED, facts, clock),
        Health(),
        chance(),
    )
    lake = MemoryLake()
    history = History(lake, streams, keys, PARTITIONS)
    deeds = Deeds(ledger, facts, facts, Prose(keys))
    made = Town(
        clock=clock,
        facts=facts,
        keys=keys,
        streams=streams,
        known=known,
        ledger=ledger,
        staff=Staff(ledger=ledger, people=facts, desk=facts, log=facts, shifts=facts, keys=keys, chance=bytes_),
        reads=reads(ledger, facts, known, history, keys),
        health=health,
        lake=lake,
        gateway=Gateway("gateway", "live", streams=streams, keys=keys, known=known, health=health, clock=clock),
        recorder=Recorder(facts, keys, known, health, clock, bytes_),
        acts=Acts(deeds),
        incidents=Incidents(deeds),
        registering=Registering(facts, facts, facts, partial(noticing, INSTALL.zone), INSTALL.city, "0", clock),
    )
    await _register(made)
    await made.values()
    return made


async def _register(here: Town) -> None:
    for entry in (
        source("calls", "emergency-response", personal=True),
        source("feed", "public-safety", personal=True),
        source("lamps", "city-operations"),
        source("portal", "city-operations", personal=True),
        source("sensors", "public-safety"),
        msgspec.structs.replace(PORTAL, simulated=True),
    ):
        await enter(here.facts, entry, "install", here.clock())
    things = [
        Thing(id=0, name=name, kind="street-lamp", source=of, place=SQUARE)
        for name, of in (("Railway Square mast 1", "sensors"), ("Railway Square lamp 7", "lamps"))
    ]
    streams = [
        _stream("Railway Square mast 1/noise", "sensors", things[0], "readings", "noise", "dB(A)"),
        _stream("Railway Square mast 1/people", "sensors", things[0], "counts", "people", "1"),
        _stream("Railway Square lamp 7/power", "lamps", things[1], "readings", "power", "W"),
        _stream("Railway Square mast 1/noise silent", "sensors", things[0], "readings", "noise", "dB(A)"),
    ]
    await define(here.facts, things, streams, "install", here.clock())
    await here.known.refresh()


def _stream(name: str, of: str, thing: Thing, kind: str, observed: str, unit: str) -> Datastream:
    return Datastream(
        id=0,
        name=name,
        source=of,
        thing=thing.name,
        kind=kind,
        observed_property=observed,
        unit=unit,
        place=SQUARE,
        cell=cell_of(SQUARE),
        interval=10.0,
        purpose="public-safety" if of == "sensors" else "city-operations",
    )
