"""An MQTT broker that somebody else keeps: observations of its topics, each acknowledged to it when it is durable.

A topic is a datastream's name, after the `prefix` that stands before it; messages say what `standards.payloads` reads. The
session is kept at the broker, so that what comes while nobody is here waits there. What can never be taken is
acknowledged and counted, or it would come again for ever. Retained messages are acknowledged and left: they are from before, and
say not from when. Paho speaks the protocol, in a thread of its own (paho-mqtt, EDL 1.0).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tutela.errors import EngineDown, Overloaded
from tutela.model.card import Card
from tutela.model.flow import Give, Offer, Refusal
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE
from tutela.standards import payloads
from tutela.standards.payloads import Line, Names, Now, Stamps

LOG = logging.getLogger(__name__)

WINDOW = 1_000
"""Messages that may wait until they are durable; the broker keeps the others."""
KEPT = 7 * 86_400
"""Seconds for which the broker keeps the session."""
KEEP_ALIVE = 30
FIRST, LONGEST = 1, 30
"""Seconds before it is tried again."""
UNKNOWN = "messages on topics that name no datastream of the register"


@dataclass(frozen=True, slots=True)
class _Came:
    """A message, and on which connection it came: its number means nothing on another one. `number` 0: QoS 0."""

    topic: str
    payload: bytes
    number: int
    connection: int
    old: bool


class Broker(Noun, frozen=True, kw_only=True):
    """Observations that come by way of a broker.

    `source`: the register's source that they are of. `topics`: what to subscribe to. `prefix`: what stands in a topic before
    the datastream's name. `client`: the client identifier, which no other client of that broker may use. `version` of MQTT.
    """

    name: ClassVar[str] = "broker"
    card: ClassVar[Card] = Card(
        finds="What devices publish to an MQTT broker that somebody else keeps.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot=(
            "Know what the broker lost before it came here; tell a message that comes again from a new one when it carries"
            " no time."
        ),
    )

    source: str
    host: str
    topics: tuple[str, ...]
    port: int = 1883
    tls: bool = False
    client: str = "tutela"
    user: str | None = None
    password: str | None = None
    prefix: str = ""
    version: Literal["3.1.1", "5"] = "5"

    async def run(self, give: Give, names: Names, clock: Now) -> None:
        """Take what comes, for ever; only what the gateway has made durable is acknowledged."""
        line = _Line(self, asyncio.get_running_loop())
        now = Stamps(clock)
        await line.open()
        try:
            while True:
                came = await line.next()
                for offer in _offers(self, came, names, now):
                    await _insist(give, offer)
                line.done(came)
        finally:
            await line.close()


async def _insist(give: Give, offer: Offer) -> None:
    """Offer it until it is durable: what is not acknowledged waits at the broker, and nothing new comes from there."""
    source = offer.source
    while True:
        try:
            await give(offer)
        except (Overloaded, EngineDown) as down:
            LOG.warning("observations of %s wait: %s", source, down)
            await asyncio.sleep(down.retry_after)
        else:
            return


def _offers(broker: Broker, came: Sequence[_Came], names: Names, now: Now) -> list[Offer]:
    """What came, as one offer for each kind, and one of what was refused."""
    lines: defaultdict[str, list[Line]] = defaultdict(list)
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    refused: Counter[tuple[str, str]] = Counter()
    for message in came:
        if message.old:
            continue
        name = message.topic.removeprefix(broker.prefix)
        number = names.number(name) if message.topic.startswith(broker.prefix) else None
        if number is None:
            refused["unknown", UNKNOWN] += 1
            continue
        about = names.datastream(number)
        good, bad = payloads.read(message.payload, about, now)
        lines[about.kind] += good
        numbers[about.kind] += [number] * len(good)
        for one in bad:
            refused[one.reason, one.says] += one.count
    found = [
        Offer(broker.source, LIVE, payloads.rows(kind, numbers[kind], some)) for kind, some in lines.items() if some
    ]
    if refused:
        told = tuple(Refusal(reason, says, count) for (reason, says), count in refused.items())
        found.append(Offer(broker.source, LIVE, None, told))
    return found


class _Line:
    """Paho's client in its thread, and what came of it in the event loop. `room` keeps the thread from running ahead."""

    def __init__(self, broker: Broker, loop: asyncio.AbstractEventLoop) -> None:
        self._broker, self._loop = broker, loop
        self._connection = self._again = self._fresh = 0
        self._waiting: list[_Came] = []
        self._news = asyncio.Event()
        self._room = threading.Semaphore(WINDOW)
        self._over = False
        self._client = self._made()

    def _made(self) -> paho.Client:
        broker, five = self._broker, self._broker.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(FIRST, LONGEST)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    async def open(self) -> None:
        """Begin; a broker that does not answer is tried again and again."""
        host, port = self._broker.host, self._broker.port
        if self._broker.version == "5":
            told = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            told.SessionExpiryInterval, told.ReceiveMaximum = KEPT, WINDOW
            self._client.connect_async(host, port, KEEP_ALIVE, clean_start=False, properties=told)
        else:
            self._client.connect_async(host, port, KEEP_ALIVE)
        self._client.loop_start()

    async def close(self) -> None:
        """Leave; the session stays at the broker, with all that is not acknowledged."""
        self._over = True
        self._client.disconnect()
        self._room.release(WINDOW)
        await asyncio.to_thread(self._client.loop_stop)

    async def next(self) -> Sequence[_Came]:
        """All that has come since; what the broker sends once more, since the connection broke, only as it came last."""
        while True:
            await self._news.wait()
            self._news.clear()
            waiting, self._waiting = self._waiting, []
            came = [one for one in waiting if not self._comes_again(one)]
            if len(came) < len(waiting):
                self._room.release(len(waiting) - len(came))
            if came:
                return came

    def _comes_again(self, one: _Came) -> bool:
        return bool(one.number) and self._fresh <= one.connection < self._again

    def done(self, came: Sequence[_Came]) -> None:
        """These are durable, or can never be."""
        for message in came:
            if message.number and message.connection == self._connection:
                self._client.ack(message.number, 1)
        self._room.release(len(came))

    # ── in paho's thread ────────────────────────────────────────────────────────────────────────
    def _connected(
        self, client: paho.Client, _: object, flags: paho.ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            LOG.warning("the broker %s does not let us in: %s", self._broker.host, reason)
            return
        LOG.info("connected to the broker %s", self._broker.host)
        self._connection += 1
        if flags.session_present:
            self._again = self._connection
        else:  # the broker knows nothing of what came before
            self._fresh = self._connection
        if self._broker.version == "5":
            options = SubscribeOptions(qos=1, noLocal=True)
            client.subscribe([(topic, options) for topic in self._broker.topics])
        else:
            client.subscribe([(topic, 1) for topic in self._broker.topics])

    def _disconnected(
        self, _: paho.Client, __: object, ___: paho.DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        if not self._over:
            LOG.warning("the broker %s is gone, trying again: %s", self._broker.host, reason)

    def _message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # which names nothing
        self._room.acquire()
        number = message.mid if message.qos else 0
        came = _Came(topic, bytes(message.payload), number, self._connection, message.retain)
        if not self._over:
            self._loop.call_soon_threadsafe(self._arrived, came)

    def _arrived(self, came: _Came) -> None:
        self._waiting.append(came)
        self._news.set()


part = Broker
