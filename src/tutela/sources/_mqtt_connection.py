"""One MQTT connection: packets in their order, answers in the same order, and never more than it may hold."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from tutela.errors import EngineDown, Malformed, NotFound, Overloaded, Quarantined
from tutela.model.flow import Sender
from tutela.model.register import Datastream
from tutela.standards import mqtt, payloads, sensorthings
from tutela.standards.mqtt import (
    V5,
    Code,
    Connect,
    Decoder,
    Disconnect,
    Packet,
    Ping,
    Properties,
    Property,
    Publish,
    Subscribe,
    Unsubscribe,
)
from tutela.standards.payloads import Names, Now

from ._mqtt_gathering import Gathering, Promise
from ._mqtt_sessions import Key

IDENTIFIER = 256
"""Bytes of a client identifier: while a session lasts it is kept in memory."""

SPOOFED = "this topic is not yours; publish to {}/… or to your own datastreams in SensorThings' way"
ANONYMOUS = "say who you are: SOURCE or SOURCE/THING as user name, the token as password"
STRANGER = "this is no token of that user name; `tutela sources device` makes one"
UNKNOWN = "the register has no such datastream; define it before sending observations of it"


class Host(Protocol):
    """The door, as a connection sees it.

    `now`: the time of a message that says none. `receive_maximum`: messages of a connection that may wait for their
    acknowledgement; `share`: rows of it that may.
    """

    names: Names
    now: Now
    gathering: Gathering
    receive_maximum: int
    share: int

    def come(self, connection: Connection) -> bool:
        """A connection is made; whether there is room for it."""

    def gone(self, connection: Connection) -> None:
        """A connection is over."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that takes longer than a turn."""

    def full(self, connection: Connection) -> bool:
        """Whether too many rows are on their way; then the connection is called when there is room."""

    async def who(self, connect: Connect) -> Sender:
        """Who introduces himself; raises Quarantined for a token of nobody, or of somebody else, Overloaded for one too many."""

    def enter(self, connection: Connection, connect: Connect, sender: Sender) -> tuple[bool, Properties]:
        """Let a client in: whether its session is known, and what version 5 tells it."""

    def leaves(self, connection: Connection, expiry: int | None) -> None:
        """A client says goodbye, and may change for how long its session is kept."""


class Connection(asyncio.Protocol):
    """From the first byte to the last.

    `since`: when a packet was last whole; `begun`: when one began that is not whole yet; both in seconds of the event
    loop's clock. `stuck`: the client does not read its answers. `over`: nothing of it is taken any more.
    """

    def __init__(self, door: Host) -> None:
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._waiting: deque[Promise] = deque()
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.Task[None] | None = None
        self._rows = 0
        self._reading = True
        self.stuck = False
        self._connect: Connect | None = None
        self.sender: Sender | None = None
        self.key: Key | None = None
        self.over = False
        self.since = self._loop.time()
        self.begun: float | None = self.since

    # ── bytes ───────────────────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has come."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._door.come(self):
            self.over = True
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self.over:
            self._decoder.feed(data)
            self.work()

    def eof_received(self) -> bool:
        """Nothing more comes."""
        return False

    def pause_writing(self) -> None:
        """The client does not read its answers."""
        self.stuck = True

    def resume_writing(self) -> None:
        """It reads them again."""
        self.stuck = False
        self.work()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  however it ended, it is over
        """It is over."""
        self.over = True
        if self._greeting is not None:
            self._greeting.cancel()
        self._door.gone(self)

    def work(self) -> None:
        """Take packet by packet, until there is none or as much waits as may."""
        if self.over:
            return
        try:
            if not self._held_back():
                for packet in self._decoder.packets():
                    self.since, self.begun = self._loop.time(), None
                    self._take(packet)
                    if self.over or self._held_back():
                        break
        except Malformed as wrong:
            self._garbage(wrong)
            return
        if not self._decoder.waiting:
            self.begun = None
        elif self.begun is None:
            self.begun = self._loop.time()
        self._read(not self._held_back())

    def _held_back(self) -> bool:
        if self._greeting is not None and not self._greeting.done():
            return True
        full = len(self._waiting) >= self._door.receive_maximum or self._rows >= self._door.share
        return full or self.stuck or self._door.full(self)

    def _read(self, wanted: bool) -> None:  # noqa: FBT001  it is the whole of what is asked
        if self.over or self._transport is None or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self.since = self._loop.time()  # while we did not listen nobody was silent
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _garbage(self, wrong: Malformed) -> None:
        if self.sender is not None:
            self._door.gathering.refuse(self.sender.source, "unreadable")
        self.end(Code(wrong.reason), wrong.message)

    def write(self, answer: bytes) -> None:
        """Send, if anybody is there."""
        if answer and self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)

    def end(self, code: Code, says: str = "") -> None:
        """Close, and say why as far as the client's version can."""
        if self.over:
            return
        self.over = True
        self.since = self._loop.time()
        version = self._decoder.version
        if self.sender is not None:
            self.write(self._fit(mqtt.disconnect(version, code, says), mqtt.disconnect(version, code)))
        else:
            self.write(mqtt.connack(version, code, told=self._reason(says)))
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once: whoever is there does not even take a goodbye."""
        self.over = True
        if self._transport is not None:
            self._transport.abort()

    def _reason(self, says: str) -> Properties:
        return {Property.REASON_STRING: says} if says else {}

    def _fit(self, answer: bytes, bare: bytes) -> bytes:
        """The answer, without its words when the client does not take so long a packet [MQTT-3.14.2-3]."""
        return answer if self._connect is None or len(answer) <= self._connect.most else bare

    # ── packets ─────────────────────────────────────────────────────────────────────────────────
    def _take(self, packet: Packet) -> None:
        version = self._decoder.version
        match packet:
            case Publish() if self.sender is not None:
                self._publish(packet, self.sender)
            case Connect():
                self._greeting = self._door.start(self._greet(packet))
            case Ping():
                self.write(mqtt.PINGRESP)
            case Subscribe(number, filters):
                self.write(mqtt.suback(version, number, len(filters)))
            case Unsubscribe(number, filters):
                self.write(mqtt.unsuback(version, number, len(filters)))
            case Disconnect():
                self._door.leaves(self, packet.session_expiry)
                self.over = True
                if self._transport is not None:
                    self._transport.close()

    async def _greet(self, connect: Connect) -> None:
        """Find out who that is, and let them in or not."""
        self._connect = connect
        if len(connect.client.encode()) > IDENTIFIER:
            self.end(Code.CLIENT_ID, f"a client identifier has at most {IDENTIFIER} bytes; choose a shorter one")
            return
        try:
            sender = await self._door.who(connect)
        except Quarantined:
            anonymous = connect.user is None or not connect.password
            self.end(*((Code.NOT_AUTHORISED, ANONYMOUS) if anonymous else (Code.CREDENTIALS, STRANGER)))
            return
        except (EngineDown, Overloaded) as down:
            self.end(Code.UNAVAILABLE, down.message)
            return
        if not self.over:
            self.sender = sender
            present, told = self._door.enter(self, connect, sender)
            self.write(mqtt.connack(connect.version, Code.SUCCESS, present=present, told=told))
            self._loop.call_soon(self.work)

    @property
    def keep_alive(self) -> int:
        """Seconds in which the client promised to say something; 0: none."""
        return 0 if self._connect is None else self._connect.keep_alive

    @property
    def idle(self) -> bool:
        """Whether it is up to the client to say something."""
        return self._reading and not self.stuck

    def _publish(self, message: Publish, sender: Sender) -> None:
        door = self._door
        promise = Promise(self, message.number)
        try:
            about = datastream(message, sender, door.names)
        except NotFound as unknown:
            door.gathering.refuse(sender.source, "unknown")
            self._refused(promise, Code.TOPIC, unknown.message)
            return
        except Quarantined as spoofed:
            door.gathering.refuse(sender.source, "foreign")
            if self._decoder.version == V5 and message.qos:
                self._refused(promise, Code.NOT_AUTHORISED, spoofed.message)
            else:  # 3.1.1 has no way to say it, nor has QoS 0
                self.end(Code.NOT_AUTHORISED, spoofed.message)
            return
        lines, refused = payloads.read(message.payload, about, door.now)
        if refused:
            door.gathering.refuse(sender.source, "unreadable", sum(refusal.count for refusal in refused))
            promise.code, promise.says = Code.PAYLOAD, refused[0].says
        if lines:
            self._waiting.append(promise)
            self._rows += len(lines)
            door.gathering.add(sender.source, about.kind, about.id, lines, promise)
        else:
            self._refused(promise, promise.code, promise.says)

    def _refused(self, promise: Promise, code: Code, says: str) -> None:
        promise.code, promise.says, promise.done = code, says, True
        self._waiting.append(promise)
        self.landed()

    # ── answers ─────────────────────────────────────────────────────────────────────────────────
    def landed(self) -> None:
        """Answer what is done with, in the order in which it came [MQTT-4.6.0-2]."""
        waiting, out = self._waiting, bytearray()
        while waiting and waiting[0].done:
            promise = waiting.popleft()
            self._rows -= promise.rows
            if promise.number:
                out += self._puback(promise)
        self.write(bytes(out))
        if not self._reading:
            self._loop.call_soon(self.work)

    def _puback(self, promise: Promise) -> bytes:
        version, connect, code = self._decoder.version, self._connect, promise.code
        if not code or version != V5:
            return mqtt.puback(version, promise.number)
        says = promise.says if connect is not None and connect.problems else ""
        bare = mqtt.puback(version, promise.number, code)
        return self._fit(mqtt.puback(version, promise.number, code, says), bare)

    def lost(self, code: Code, says: str) -> None:
        """What was sent could not be stored: without an answer the client sends it again after it has come back."""
        self.end(code, says)


def datastream(message: Publish, sender: Sender, names: Names) -> Datastream:
    """What a topic means to whoever publishes to it: `SOURCE/NAME`, or SensorThings' own way.

    Raises Quarantined when it is not the sender's, NotFound when the register has no such datastream.
    """
    topic = message.topic
    if topic.startswith(f"{sender.name}/"):
        number = names.number(topic[len(sender.source) + 1 :])
    elif topic == sensorthings.OBSERVATIONS or sensorthings.DATASTREAM.fullmatch(topic):
        number = sensorthings.datastream_of(topic, message.payload)
    else:
        raise Quarantined(SPOOFED.format(sender.name))
    if number is None:
        raise NotFound(UNKNOWN)
    about = names.datastream(number)
    if about.source != sender.source or sender.thing not in (None, about.thing):
        raise Quarantined(SPOOFED.format(sender.name))
    return about
