"""`tutela parts trust`: which packages from outside may bring parts; and the event that says so, from the next start on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tutela.app.core import Core, clock
from tutela.app.settings import Settings
from tutela.backends import trust as keeping
from tutela.maths.ids import uuid_of
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.timeline import LIVE
from tutela.model.trusted import Trusted, TrustTold

SUBJECT = "trusted-parts"
BY = "install"


class Package(msgspec.Struct, frozen=True):
    """An installed package that brings parts, and whether it may."""

    name: str
    version: str
    state: str


def listed() -> Sequence[Package]:
    """All of them."""
    return [Package(one.name, one.version, state) for one, state in keeping.HERE.states()]


def trust(settings: Settings, name: str) -> Trusted:
    """Trust one as it is now."""
    return keeping.trust(settings.data, name)


def distrust(settings: Settings, name: str) -> None:
    """Trust it no more."""
    keeping.distrust(settings.data, name)


async def told(inside: Core) -> None:
    """Write down at a start whose parts may run, when that is not what the log says already."""
    known, about = keeping.read(inside.settings.data), await inside.facts.about(SUBJECT)
    before = [event for event in about if event.kind == "parts-trusted@1"]
    last = msgspec.json.decode(before[-1].body, type=TrustTold).trusted if before else ()
    if last == known:
        return
    body, now = encode(TrustTold(trusted=known)), clock()
    event = Event(
        id=uuid_of("parts-trusted", now, body),
        at=now,
        by=BY,
        cause=None,
        kind="parts-trusted@1",
        timeline=LIVE,
        body=body,
        subject=SUBJECT,
    )
    await inside.facts.append([event])
