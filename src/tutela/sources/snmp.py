"""SNMP: objects of switches, power supplies and signal controllers, read again and again. Nothing is ever set.

Versions 2c (a community, sent in clear: for a network of its own only) and 3 (a user, with authentication and encryption).
Source: RFC 3416 (GetRequest), RFC 3414 (the user-based security model), RFC 3826 (AES), RFC 7860 (SHA-2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as snmp

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.heard import Heard, Value
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing

TOGETHER = 20
"""Objects in one question, so that the answer fits into one datagram."""
SHORTEST = 8
"""Characters of a passphrase (RFC 3414, 11.2)."""
MISSING = (snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView)
AUTH = {
    "": snmp.USM_AUTH_NONE,
    "sha1": snmp.USM_AUTH_HMAC96_SHA,
    "sha256": snmp.USM_AUTH_HMAC192_SHA256,
    "sha512": snmp.USM_AUTH_HMAC384_SHA512,
}
PRIVACY = {"": snmp.USM_PRIV_NONE, "aes128": snmp.USM_PRIV_CFB128_AES, "aes256": snmp.USM_PRIV_CFB256_AES}

Oid = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)+$")]


class Object(Noun, frozen=True, kw_only=True):
    """One measured object: `oid` in numbers with its instance, such as 1.3.6.1.2.1.2.2.1.10.1. The result is its number times `scale`."""

    name: str
    oid: Oid
    observed_property: str
    unit: str = "1"
    scale: float = 1.0
    kind: Literal["readings", "counts"] = "readings"


class Snmp(Noun, frozen=True, kw_only=True):
    """The `object`s of one agent at `host`, asked for each `every` seconds.

    With a `user` it is version 3: `auth` and `privacy` say how, the secrets `auth_key` and `privacy_key` are its passphrases. Without one
    it is version 2c with the secret `community`. Names of datastreams, and of the one Thing, are put behind the source's own name and a slash.
    """

    sealed: ClassVar[frozenset[str]] = frozenset({"community", "auth_key", "privacy_key"})
    card: ClassVar[Card] = Card(
        finds="What an SNMP agent tells of its device.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Take what an agent sends by itself (traps). Know when a value was measured: its time is when it was read.",
    )

    host: str
    object: Annotated[tuple[Object, ...], msgspec.Meta(min_length=1, max_length=2_000)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 161
    community: str = ""
    user: str = ""
    auth: Literal["", "sha1", "sha256", "sha512"] = ""
    auth_key: str = ""
    privacy: Literal["", "aes128", "aes256"] = ""
    privacy_key: str = ""
    thing: str = "device"
    place: Place | None = None
    every: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1

    def __post_init__(self) -> None:
        """Refuse what no agent could understand."""
        names = [one.name for one in self.object]
        if len({*names}) < len(names):
            raise BadInput(f"two objects have the same name: {', '.join(sorted(names))}")
        if bool(self.user) == bool(self.community):
            raise BadInput('give a user (version 3), or community = "…" as a secret (version 2c)')
        for how, key in ((self.auth, self.auth_key), (self.privacy, self.privacy_key)):
            if bool(how) != (len(key) >= SHORTEST):
                raise BadInput(f"auth and privacy each need their own secret key of at least {SHORTEST} characters")
        if self.privacy and not self.auth:
            raise BadInput("privacy without auth is not possible in SNMP; say auth too")

    async def run(self, intake: Intake) -> None:
        """Ask for ever."""
        engine = snmp.SnmpEngine()
        failures = 0
        try:
            while True:
                try:
                    await self._round(engine, intake)
                except (OSError, PySnmpError) as wrong:
                    intake.trouble(f"{self.host} can't be asked: {wrong}")
                    failures += 1
                else:
                    failures = 0
                await intake.wait(pause(self.every, failures, intake.chance()))
        finally:
            engine.close_dispatcher()

    async def _round(self, engine: snmp.SnmpEngine, intake: Intake) -> None:
        """One question for each few objects; raises OSError when nobody answers."""
        target = await snmp.UdpTransportTarget.create(
            (self.host, self.port), timeout=self.timeout, retries=self.retries
        )
        results: dict[Object, float] = {}
        wrong: list[str] = []
        for first in range(0, len(self.object), TOGETHER):
            asked = self.object[first : first + TOGETHER]
            for one, told in (await self._some(engine, target, asked)).items():
                result = _number(told)
                if result is None:
                    wrong.append(f"{one.name} ({one.oid}) is {told.prettyPrint()[:60]!r}, no number")
                else:
                    results[one] = result * one.scale
        if wrong:
            intake.trouble("; ".join(wrong))
        await intake.hear(self._heard(results, intake.source, intake.clock()))  # so it can be reached, for all that

    async def _some(self, engine: snmp.SnmpEngine, target: Any, asked: Sequence[Object]) -> dict[Object, Any]:  # noqa: ANN401  the library types neither
        """The values of some objects. When one spoils the answer, each is asked for by itself: agents don't always say which it was."""
        binds = [snmp.ObjectType(snmp.ObjectIdentity(one.oid)) for one in asked]
        failed, status, _, told = await snmp.get_cmd(engine, self._who(), target, snmp.ContextData(), *binds)
        if failed:
            raise OSError(str(failed))
        if int(status) and len(asked) > 1:
            found: dict[Object, Any] = {}
            for one in asked:
                found |= await self._some(engine, target, [one])
            return found
        if int(status):
            return {asked[0]: snmp.OctetString(status.prettyPrint())}
        if len(told) != len(asked):
            raise OSError(f"it tells {len(told)} objects, and was asked for {len(asked)}")
        return dict(zip(asked, (bind[1] for bind in told), strict=True))

    def _who(self) -> snmp.CommunityData | snmp.UsmUserData:
        if not self.user:
            return snmp.CommunityData(self.community, mpModel=1)  # noqa: S508  much of what a city has speaks nothing newer
        return snmp.UsmUserData(
            self.user,
            authKey=self.auth_key or None,
            privKey=self.privacy_key or None,
            authProtocol=AUTH[self.auth],
            privProtocol=PRIVACY[self.privacy],
        )

    def _heard(self, results: dict[Object, float], source: str, at: int) -> Heard:
        thing = Thing(id=0, name=f"{source}/{self.thing}", kind="device", source=source, place=self.place)
        streams = [
            Datastream(
                id=0,
                name=f"{source}/{one.name}",
                source=source,
                thing=thing.name,
                kind=one.kind,
                observed_property=one.observed_property,
                unit=one.unit,
                place=self.place,
                interval=self.every,
            )
            for one in results
        ]
        values = [Value(stream.name, at, (result,)) for stream, result in zip(streams, results.values(), strict=True)]
        return Heard((thing,), tuple(streams), tuple(values))


def _number(told: Any) -> float | None:  # noqa: ANN401  whatever an agent tells
    """A number, also one that an agent writes as text; None for anything else."""
    if isinstance(told, MISSING):
        return None
    try:
        return float(told.prettyPrint()) if isinstance(told, snmp.OctetString) else float(int(told))
    except (TypeError, ValueError, OverflowError):
        return None


part = Snmp
