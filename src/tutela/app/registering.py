"""The public register of this instance: what its workers would make now, in the words of the parts; and `tutela register`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from inspect import cleandoc, getdoc, getmodule
from pathlib import Path

import msgspec

from tutela import __version__
from tutela.app.core import Core, clock, core
from tutela.app.detecting import installed, instance
from tutela.app.settings import Settings
from tutela.errors import BadInput, PartMissing
from tutela.flow.detector import Detector
from tutela.flow.register_public import RULES, Registering
from tutela.flow.rules import uses
from tutela.model.capability import Capability, PublicRegister, Words
from tutela.model.noun import Noun
from tutela.model.rule import Armed

BY = "install"


class Written(Noun, frozen=True, kw_only=True):
    """A file with what people say: a table for each system."""

    words: tuple[Words, ...]


def registering(inside: Core, *, whole: bool = True) -> Registering:
    """The register of this instance. `whole`: it would rather tell nothing than leave a rule out; what works goes on with the rest."""
    made = partial(capabilities, inside.install.zone, whole=whole)
    return Registering(inside.facts, inside.facts, inside.facts, made, inside.install.city, __version__, clock)


async def write(settings: Settings, file: Path) -> Sequence[str]:
    """Keep what a file says; the systems whose words are new. Raises BadInput, and has then kept nothing of a file that can't be read."""
    words = await asyncio.to_thread(read, file)
    async with core(settings, "register", connections=1) as inside:
        return await keep(inside, words)


async def shown(settings: Settings) -> PublicRegister:
    """All of it."""
    async with core(settings, "register", connections=1) as inside:
        return await registering(inside).public()


def read(file: Path) -> Sequence[Words]:
    """What a file says; raises BadInput with what is wrong and where."""
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Written).words
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as wrong:
        raise BadInput(f"{file} can't be read: {wrong}") from wrong


async def keep(inside: Core, words: Iterable[Words]) -> Sequence[str]:
    """Keep these words; the systems for which they are new."""
    here = registering(inside)
    return [one.system for one in words if await here.write(one, BY)]


def capabilities(zone: str, armed: Iterable[Armed], *, whole: bool = True) -> Sequence[Capability]:
    """What the systems use, and these rules; one that can't be made any more is left out, or, where all are wanted, raises BadInput or PartMissing."""
    of_systems = [
        _capability(instance(use, zone), use.part, system.name, system.purposes, use.options)
        for system in installed()
        for use in system.detectors
    ]
    return [*of_systems, *_of_rules(armed, zone, whole=whole)]


def _of_rules(armed: Iterable[Armed], zone: str, *, whole: bool) -> Iterator[Capability]:
    for one in armed:
        *_, use = uses(one.rule)
        try:
            detector = instance(use, zone)
        except (BadInput, PartMissing) as wrong:
            if not whole:  # whoever makes the detectors says so (app/detecting.py)
                continue
            raise type(wrong)(f"the rule {one.rule.name}: {wrong.message}", **wrong.where) from wrong
        made = _capability(detector, use.part, RULES, (one.rule.purpose,), one.rule.rule)
        yield msgspec.structs.replace(made, finds=one.rule.says, since=one.since)


def _capability(
    made: Detector, part: str, system: str, purposes: tuple[str, ...], options: dict[str, object]
) -> Capability:
    card = made.card
    return Capability(
        name=made.name,
        part=part,
        version=made.version,
        system=system,
        purposes=purposes,
        finds=card.finds,
        works=_works(type(made)),
        cannot=card.cannot,
        learns=card.learns,
        personal_data=card.personal_data,
        options=msgspec.to_builtins(options),
    )


def _works(part: type) -> str:
    """How it works, as its author wrote it: of its file, and of its options."""
    return "\n\n".join(cleandoc(text) for text in (getdoc(getmodule(part)), getdoc(part)) if text)
