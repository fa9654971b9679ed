"""An MQTT broker that somebody else keeps: what is published there, each message acknowledged to it when it is durable.

The connection's standard reads a message, and is told its topic: `topics` takes plain sensors and SensorThings, `json_map` any JSON,
`chirpstack` and `ttn` what LoRaWAN networks publish. The session is kept at the broker, so that what comes while nobody is
here waits there. What can never be taken is acknowledged and counted, or it would come again for ever. Retained messages are
acknowledged and left: they are from before, and say not from when. What is published with QoS 0 is nobody's promise.
Source: MQTT 5.0 and 3.1.1 (OASIS).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

import msgspec

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.intake import Intake
from tutela.model.noun import Noun
from tutela.standards import _topics

from ._mqtt_client import Asked, Came, Client

PORT, TLS_PORT = 1883, 8883
DAY = 86_400
MET = b"met"
"""What is remembered of a broker that has a session of ours."""
PEM = "-----BEGIN"
LONGEST = 200
"""Characters of a client identifier."""


class Broker(Noun, frozen=True, kw_only=True):
    """`topics` of the broker at `host` are subscribed to; `+` is one level of a topic, `#` at the end are all others.

    `user` and `password` are secret; without `tls` they go over the network in clear. `ca`: the certificates of an authority of
    your own (PEM), or a file with them, in place of those that this machine trusts. `port` 0: 1883, and 8883 with `tls`. `client`: the
    client identifier, which no other client of that broker may use; left out, it is made of the source's name. `days`: for so
    long the broker is to keep what comes while nobody is here (version 5; with 3.1.1 it decides).
    """

    sealed: ClassVar[frozenset[str]] = frozenset({"user", "password"})
    card: ClassVar[Card] = Card(
        finds="What devices publish to an MQTT broker that somebody else keeps.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot=(
            "Know what the broker lost before it came here; tell a message that comes again from a new one when it carries"
            " no time and this process was killed in between."
        ),
    )

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    topics: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=200)]
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    tls: bool = False
    ca: str = ""
    user: str = ""
    password: str = ""
    client: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    days: Annotated[float, msgspec.Meta(gt=0, le=365)] = 7.0
    version: Literal["3.1.1", "5"] = "5"

    def __post_init__(self) -> None:
        """Refuse what no broker could understand."""
        if "://" in self.host or "/" in self.host:
            raise BadInput(f"host = {self.host!r} is no name or address; leave out mqtt:// and what follows the name")
        for topic in self.topics:
            _topics.proper(topic)
        if self.password and not self.user:
            raise BadInput("a password needs a user; give both in [connection.secret]")
        if self.ca and not self.tls:
            raise BadInput("ca says whom to trust over TLS; set tls = true, or leave it out")

    async def run(self, intake: Intake) -> None:
        """Take what comes, for ever; only what is durable is acknowledged."""
        trusted = await asyncio.to_thread(self._trusted) if self.tls else None
        met = await intake.mark() == MET
        client = Client(self._asked(intake.source, trusted), intake.well, intake.trouble, met=met)
        client.open()
        try:
            while True:
                came = await client.next()
                if client.met and not met:
                    await intake.remember(MET)
                    met = True
                await _taken(came, intake)
                client.done(came)
        finally:
            await client.close()

    def _asked(self, source: str, trusted: ssl.SSLContext | None) -> Asked:
        own = f"tutela-{sha256(source.encode()).hexdigest()[:16]}"  # 23 characters, which any broker takes
        return Asked(
            host=self.host,
            port=self.port or (TLS_PORT if self.tls else PORT),
            topics=self.topics,
            client=self.client or own,
            user=self.user,
            password=self.password,
            version=self.version,
            kept=round(self.days * DAY),
            trusted=trusted,
        )

    def _trusted(self) -> ssl.SSLContext:
        """Whom the broker has to be certified by; raises BadInput where there are no certificates."""
        told = self.ca.isascii() and self.ca.lstrip().startswith(PEM)
        try:
            if told:
                return ssl.create_default_context(cadata=self.ca)
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ValueError) as wrong:
            raise BadInput(f"ca = {self.ca[:80]!r} holds no certificates that can be read: {wrong}") from wrong


async def _taken(came: Sequence[Came], intake: Intake) -> None:
    """Side by side: each waits until it is durable, and many become durable at once."""
    await asyncio.gather(*(intake.take(one.payload, one.topic) for one in came if not one.old))


part = Broker
