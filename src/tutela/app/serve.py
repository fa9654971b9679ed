"""The process that people and devices talk to: the API, the page, MQTT, and the gateway behind these sources."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

import uvicorn
from litestar import Litestar, Router

from tutela import __version__
from tutela.app.addresses import Addresses
from tutela.app.administering import system
from tutela.app.approving import acts as deciding
from tutela.app.approving import glass as breaking
from tutela.app.arming import arming
from tutela.app.cases import aid
from tutela.app.city_map import CityMap
from tutela.app.core import Core, chance, clock, core
from tutela.app.disks import reserve
from tutela.app.evidence import evidence as making
from tutela.app.figures import figuring
from tutela.app.holds import holds as keeping
from tutela.app.hooks import Hooks
from tutela.app.lake import lake
from tutela.app.leaving import Leaving
from tutela.app.measuring import Heard, slowed, tell, timing
from tutela.app.memory import settle
from tutela.app.papers import papers as filing
from tutela.app.passkeys import ways
from tutela.app.registering import registering
from tutela.app.resident import for_residents, moderating
from tutela.app.rights import answering
from tutela.app.settings import FIRST_MQTT_PORT, FIRST_PORT, Settings
from tutela.app.shifts import shift_desk
from tutela.app.staff import staff
from tutela.app.tasks import together
from tutela.app.tracing import followed, following, traced
from tutela.app.transparent import window
from tutela.app.verifying import origin, publishing, script
from tutela.app.vitals import probes, vitals
from tutela.app.wording import sentences
from tutela.backends.ring import CURRENT, root_key, roots
from tutela.backends.spool import SPOOL, SpoolFolder
from tutela.flow.act import Acts
from tutela.flow.arming_acts import ArmingActs, patience
from tutela.flow.command import Incidents
from tutela.flow.deed import Deeds
from tutela.flow.entry_acts import EntryActs
from tutela.flow.gateway import Gateway, Options
from tutela.flow.health import Health
from tutela.flow.history import History
from tutela.flow.hold_acts import HoldActs
from tutela.flow.invite_acts import InviteActs
from tutela.flow.oversee import Oversight
from tutela.flow.paper_acts import PaperActs
from tutela.flow.people import Staff
from tutela.flow.prose import Prose
from tutela.flow.published import Publishing
from tutela.flow.rates import Rates
from tutela.flow.read import Reads, reads
from tutela.flow.read_staged import StagedReads
from tutela.flow.record import Recorder
from tutela.flow.register_public import Registering
from tutela.flow.serious import SeriousActs
from tutela.flow.spooling import Spooling
from tutela.flow.suspending import Suspending
from tutela.flow.tokens import Doorkeeper
from tutela.flow.units import UnitActs
from tutela.model.flow import Give
from tutela.model.timeline import LIVE
from tutela.screens import (
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
    rights,
    rights_pages,
    serious,
    shell,
    staged,
    told,
    totp,
    transparency,
    units,
)
from tutela.screens.console import Console
from tutela.screens.guard import Guard
from tutela.screens.headers import harden
from tutela.screens.openapi import description
from tutela.screens.problem import HANDLERS
from tutela.sources.http import Door
from tutela.sources.http import routes as devices
from tutela.sources.mqtt import Door as MqttDoor
from tutela.sources.webhook import routes as hooks

HOST = "127.0.0.1"
BODY = 200_000
"""Bytes of a body; devices may send longer ones."""
REFRESH = 1.0


@dataclass(frozen=True, slots=True)
class Doors:
    """What runs behind the doors: the gateway of the live timeline, who is let in, and how its sources are doing."""

    core: Core
    gateway: Gateway
    health: Health
    keeper: Doorkeeper
    publishing: Publishing
    spooling: Spooling
    register: Registering

    @property
    def give(self) -> Give:
        """The gateway's door, timed."""
        return timing(self.gateway.give, self.core.meters, "telemetry")


async def doors(inside: Core) -> Doors:
    """The doors. The gateway's name is new at each start: message ids begin with it."""
    told = Health()
    gateway = Gateway(
        f"gateway-{token_hex(6)}",
        LIVE,
        streams=inside.streams,
        keys=inside.keys,
        known=inside.known,
        health=told,
        clock=clock,
        options=Options(may=reserve(inside.settings).check, traces=inside.traces),
    )
    keeper = Doorkeeper(inside.tokens, inside.known, told, clock)
    return Doors(inside, gateway, told, keeper, await publishing(inside), spooling(inside, told), registering(inside))


def spooling(inside: Core, health: Health) -> Spooling:
    """The door for what people tell, and what waits behind it while the log can't be written."""
    facts, keys, install, folder = inside.facts, inside.keys, inside.install, inside.settings.data
    recorder = Recorder(facts, keys, inside.known, health, clock, chance, ways=install.ways, traces=inside.traces)
    spool = SpoolFolder(folder / SPOOL, partial(root_key, folder / CURRENT), partial(roots, folder))
    return Spooling(recorder, spool, keys, facts, clock, told=inside.meters.spooled.set)


def application(behind: Doors) -> Litestar:
    """The HTTP application."""
    return Litestar(
        # One router around all: two that share a path would both answer its OPTIONS.
        route_handlers=[Router("/", route_handlers=_routes(behind))],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY,
        openapi_config=description(__version__),
        before_send=[harden],
        logging_config=None,
    )


def _routes(behind: Doors) -> Sequence[Router]:
    inside = behind.core
    facts, known, keys, ledger = inside.facts, inside.known, inside.keys, inside.ledger
    here = staff(inside, chance)
    broken = breaking(inside)
    guard = Guard(here, Rates(clock, told=slowed(inside.meters)), broken)
    shown = reads(ledger, facts, known, History(lake(inside), inside.streams, keys, inside.install.partitions), keys)
    deeds = Deeds(ledger, facts, facts, Prose(keys))
    acts, commands, moves, words = Acts(deeds), Incidents(deeds), UnitActs(ledger, facts, facts), sentences(inside)
    console = Console(
        reads=shown,
        health=vitals(behind.core, behind.health, behind.register),
        staged=StagedReads(ledger=ledger, desk=facts, log=facts),
        staff=here,
        invites=InviteActs(staff=here, approvals=deciding(inside)),
        ways=ways(inside, here),
        acts=acts,
        incidents=commands,
        units=moves,
        moderating=moderating(inside),
        glass=broken,
        sentences=words,
        install=inside.install,
    )
    return [
        _machines(behind),
        *_for_everybody(behind, guard),
        observations.routes(shown, guard),
        alerts.routes(shown, acts, words, guard, Addresses(inside.install.city).named),
        incidents.routes(shown, commands, guard),
        *_accountable(behind, shown, here, guard),
        *_told(console, guard),
        events.routes(shown, guard),
        past.routes(shown, guard),
        *_people(inside, here, console, guard),
        health.routes(console.health, probes(inside), guard),
        staged.routes(console.staged, guard),
        *system(inside, guard),
        *_decided(behind, console, guard),
    ]


def _told(here: Console, guard: Guard) -> Sequence[Router]:
    """What people tell, what becomes of it, and what they call places; and the units that see to it."""
    where = Addresses(here.install.city)
    return [
        told.routes(here.reads, guard),
        moderation.routes(here.moderating, guard),
        units.routes(here.reads, here.units, guard),
        places.routes(here.reads.desk.ledger, where.find, where.named, guard),
    ]


def _decided(behind: Doors, console: Console, guard: Guard) -> Sequence[Router]:
    """The page, and what two people decide."""
    inside, two = behind.core, deciding(behind.core)
    entering = EntryActs(ledger=inside.ledger, register=inside.facts, approvals=two)
    return [
        page.routes(console, guard),
        shell.routes(guard),
        approvals.routes(two, console, guard),
        entries.routes(entering, guard),
        glass.routes(console.glass, guard),
        handovers.routes(shift_desk(inside, console.reads, console.health), guard),
    ]


def _people(inside: Core, here: Staff, console: Console, guard: Guard) -> Sequence[Router]:
    """Who works here, and how they come in."""
    return [
        city.routes(inside.install, clock, guard),
        people.routes(here, console.invites, guard),
        passkeys.routes(console.ways.passkeys, guard, inside.settings.site),
        totp.routes(console.ways.totp, Suspending(staff=here), guard),
        provider.routes(provider.Entrance(console.ways.oidc, inside.settings.site, inside.install.city), guard),
    ]


def _for_everybody(behind: Doors, guard: Guard) -> Sequence[Router]:
    """What nobody has to sign in for: the log's roots and proofs, the register, the map; and capabilities, on which everybody comments."""
    inside, armed = behind.core, arming(behind.core, behind.register)
    acts = ArmingActs(ledger=inside.ledger, arming=armed, approvals=deciding(inside), rates=patience(clock))
    counted, drawn = figuring(inside, behind.register, behind.publishing), CityMap(inside.settings, inside.install.city)
    return [
        published.routes(behind.publishing, inside.facts, origin(inside.install), script()),
        register.routes(behind.register, counted, inside.install.zone),
        transparency.routes(window(inside, behind.register, counted, acts, drawn)),
        city_map.routes(drawn),
        *_residents(behind),
        capabilities.routes(acts, guard),
        capability_pages.routes(acts, guard, inside.install),
    ]


def _residents(behind: Doors) -> Sequence[Router]:
    """What residents see and tell."""
    here = for_residents(behind.core, behind.spooling.tell)
    return [resident.routes(here), resident_reports.routes(here), open311.routes(here, behind.keeper.identify)]


def _accountable(behind: Doors, shown: Reads, here: Staff, guard: Guard) -> Sequence[Router]:
    """What leaves for others, what is kept for them, and who looks at all of it."""
    inside = behind.core
    asked = answering(inside, shown)
    desk = rights.desk(asked.rights, asked, guard, inside.install.city)
    eyes = Oversight(ledger=inside.ledger, log=inside.facts, chance=chance, named=here.named)
    grave = SeriousActs(
        ledger=inside.ledger, log=inside.facts, prose=Prose(inside.keys), register=behind.register.public
    )
    seat = oversight.Seat(
        oversight=eyes, registering=behind.register, requests=asked, serious=grave, install=inside.install
    )
    return [
        rights.routes(desk),
        rights_pages.pages(desk),
        evidence.routes(making(inside, shown, behind.publishing), guard),
        *_cases(inside, shown, guard),
        oversight.routes(eyes, guard),
        oversight.page(seat, guard),
        papers.routes(PaperActs(ledger=inside.ledger, papers=filing(inside)), guard, inside.install),
        serious.routes(grave, guard),
        holds.routes(HoldActs(ledger=inside.ledger, holds=keeping(inside), approvals=deciding(inside)), guard),
    ]


def _cases(inside: Core, shown: Reads, guard: Guard) -> Sequence[Router]:
    """Where people are looked for, and nowhere else."""
    here = aid(inside, shown)
    pages = case_pages.CasePages(here, sentences(inside), inside.install)
    return [cases.routes(here, guard), case_pages.routes(pages, guard)]


def _machines(behind: Doors) -> Router:
    """The doors over HTTP of whatever is no person."""
    inside, known, traces = behind.core, behind.core.known, behind.core.traces
    tells = followed(timing(behind.spooling.tell, inside.meters, "facts"), traces, "tell")
    doors_ = [
        devices(Door(behind.give, tells, known, behind.keeper.identify)),
        hooks(behind.keeper.identify, Hooks(inside, behind.gateway).take),
    ]
    return Router("/", route_handlers=doors_, middleware=following(traces))


@asynccontextmanager
async def running(behind: Doors) -> AsyncIterator[None]:
    """What has to run as long as the doors are open."""
    inside = behind.core
    inside.meters.registry.register(Heard(behind.health, clock))
    async with together(
        behind.gateway.run(),
        inside.known.run(REFRESH),
        inside.compatible.run(REFRESH),
        behind.health.run(inside.facts),
        behind.spooling.run(),
        inside.audited.run(),
        behind.publishing.run(),
        tell(inside.meters, inside.settings, "serve"),
    ):
        yield


def mqtt(behind: Doors) -> MqttDoor:
    """The door for MQTT, with the same gateway and the same keeper."""
    give = followed(behind.give, behind.core.traces, "mqtt")
    return MqttDoor(give, behind.core.known, behind.keeper.sender, clock)


async def run(settings: Settings) -> None:
    """Serve until stopped."""
    async with traced(settings, "serve") as traces, core(settings, "serve", traces=traces) as inside:
        await inside.known.refresh()
        behind = await doors(inside)
        async with running(behind), mqtt(behind).listening(HOST, settings.mqtt_port or FIRST_MQTT_PORT):
            config = uvicorn.Config(
                Leaving(application(behind)),
                host=HOST,
                port=settings.port or FIRST_PORT,
                access_log=False,
                log_level="warning",
                http="httptools",
                timeout_graceful_shutdown=2,
                server_header=False,
            )
            # Uvicorn stops at the signal, and then sends it again to whoever listened before: that does nothing, so that
            # what MQTT has on its way is still seen through.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
            settle()
            await uvicorn.Server(config).serve()
