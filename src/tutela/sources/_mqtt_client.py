"""A client of somebody else's broker: paho in a thread of its own, and what came of it in the event loop.

Paho speaks the protocol (paho-mqtt, EDL 1.0). What it finds out it tells by `call_soon_threadsafe`, and what the thread ends with is
raised where the messages are waited for.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

LOG = logging.getLogger(__name__)

WINDOW = 1_000
"""Messages that may wait until they are durable; the broker keeps the others."""
HELD = 32_000_000
"""Bytes of them. A single longer message is taken by itself."""
PACKET = 8_000_000
"""Bytes of one packet, which version 5 tells the broker."""
KEEP_ALIVE = 30
FIRST, LONGEST = 1, 30
"""Seconds before it is tried again."""
HINTS = {
    "Bad user name or password": "; put the right user and password into [connection.secret]",
    "Not authorized": "; put user and password into [connection.secret], or ask whoever keeps it",
    "Unsupported protocol version": '; try version = "3.1.1"',
    "Client identifier not valid": '; choose another one with client = "…"',
}
"""What to do about a broker's reasons, in the protocol's own words (MQTT 5.0, 2.4)."""
LEAVES = 2.0
"""Seconds for a goodbye."""
BRIEF = 10.0
"""Seconds of a connection that is too short to be of use."""
TWINS = '; if that goes on, another client has our identifier {!r}: give each its own with client = "…"'


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to connect to, as whom, and for what. `kept`: seconds for which the broker is to keep the session."""

    host: str
    port: int
    topics: tuple[str, ...]
    client: str
    user: str
    password: str
    version: str
    kept: int
    trusted: ssl.SSLContext | None

    @property
    def five(self) -> bool:
        """Whether it is version 5."""
        return self.version == "5"

    @property
    def broker(self) -> str:
        """The broker, in words."""
        return f"the broker {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Came:
    """A message, and on which connection it came: its number means nothing on another one. `number` 0: QoS 0.

    `again`: the broker says that it sends it once more. `old`: it was retained, from before we subscribed.
    """

    topic: str
    payload: bytes
    number: int
    connection: int
    again: bool
    old: bool

    @property
    def content(self) -> bytes:
        """What tells it from another message of the same number."""
        return sha256(self.topic.encode() + b"\0" + self.payload).digest()


class _Room:
    """Room for so many messages and bytes: it keeps the thread from running ahead."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._count = self._bytes = 0
        self._open = False

    def take(self, size: int) -> None:
        """Wait until there is room. What is too long for it goes alone."""
        with self._free:
            self._free.wait_for(lambda: self._open or not self._count or self._fits(size))
            self._count, self._bytes = self._count + 1, self._bytes + size

    def _fits(self, size: int) -> bool:
        return self._count < WINDOW and self._bytes + size <= HELD

    def give(self, messages: Sequence[Came]) -> None:
        """These wait no longer."""
        with self._free:
            self._count -= len(messages)
            self._bytes -= sum(len(one.payload) for one in messages)
            self._free.notify()

    def open(self) -> None:
        """Keep nobody waiting any more."""
        with self._free:
            self._open = True
            self._free.notify()


class _Acknowledged:
    """The last messages that were acknowledged, by number: when the connection breaks, it is not known whether the broker heard of it."""

    def __init__(self) -> None:
        self._last: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    def add(self, message: Came) -> None:
        """This one is durable."""
        self._last.pop(message.number, None)
        self._last[message.number] = message.connection, message.content
        if len(self._last) > WINDOW:
            self._last.popitem(last=False)

    def __contains__(self, message: Came) -> bool:
        """Whether the broker sends once more, on a later connection, what is durable already."""
        connection, content = self._last.get(message.number, (message.connection, b""))
        return message.again and connection < message.connection and content == message.content

    def forget(self) -> None:
        """Numbers begin anew."""
        self._last.clear()


class _Paho(paho.Client):
    """Paho, which tells why it could not connect."""

    why: Callable[[Exception], None]

    def reconnect(self) -> MQTTErrorCode:
        """Connect; whatever hinders that is tried again, also a name that can't be one."""
        try:
            return super().reconnect()
        except (OSError, ValueError) as wrong:
            self.why(wrong)
            raise OSError(str(wrong)) from wrong


class Client:
    """A client that stays connected. `trouble` and `well` are told how it goes, in the event loop.

    `met` says whether the broker has a session of ours: one that it has lost meanwhile is told.
    """

    def __init__(self, asked: Asked, well: Callable[[], None], trouble: Callable[[str], None], *, met: bool) -> None:
        self.met = met
        self._asked, self._well, self._trouble = asked, well, trouble
        self._loop = asyncio.get_running_loop()
        self._connection = self._again = self._fresh = 0
        self._inside = self._over = self._present = self._refused = False
        self._since = 0.0
        self._waiting: list[Came] = []
        self._news = asyncio.Event()
        self._room = _Room()
        self._acknowledged = _Acknowledged()
        self._fault: Exception | None = None
        self._paho = self._made()
        self._thread = threading.Thread(target=self._work, name=f"mqtt {asked.host}", daemon=True)

    def _made(self) -> _Paho:
        asked = self._asked
        client = _Paho(
            CallbackAPIVersion.VERSION2,
            client_id=asked.client,
            clean_session=None if asked.five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if asked.five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(FIRST, LONGEST)
        if asked.user:
            client.username_pw_set(asked.user, asked.password or None)
        if asked.trusted is not None:
            client.tls_set_context(asked.trusted)
        client.why = self._unreachable
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        return client

    def open(self) -> None:
        """Begin; a broker that does not answer is tried again and again."""
        asked = self._asked
        if asked.five:
            told = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            told.SessionExpiryInterval, told.ReceiveMaximum, told.MaximumPacketSize = asked.kept, WINDOW, PACKET
            self._paho.connect_async(asked.host, asked.port, KEEP_ALIVE, clean_start=False, properties=told)
        else:
            self._paho.connect_async(asked.host, asked.port, KEEP_ALIVE)
        self._thread.start()

    async def close(self) -> None:
        """Leave; the session stays at the broker, with all that is not acknowledged.

        A thread that is still about to connect is not waited for: it finds out by itself that it is over.
        """
        self._over = True
        self._room.open()
        self._paho.disconnect()
        await asyncio.to_thread(self._thread.join, LEAVES)

    async def next(self) -> Sequence[Came]:
        """All that has come since, or nothing once it is known that the broker has a session of ours.

        What the broker sends once more, since the connection broke, is given only as it came last; what is durable already is
        acknowledged again, and not given. Raises what the thread ended with.
        """
        await self._news.wait()
        self._news.clear()
        if self._fault is not None:
            raise self._fault
        waiting, self._waiting = self._waiting, []
        fresh, again = self._fresh, self._again  # the thread may set others meanwhile
        last, sent_anew, known = list[Came](), list[Came](), list[Came]()
        for one in waiting:
            if one.number and fresh <= one.connection < again:
                sent_anew.append(one)
            elif one.number and one in self._acknowledged:
                known.append(one)
            else:
                last.append(one)
        self._room.give(sent_anew)
        self.done(known)
        return last

    def done(self, came: Sequence[Came]) -> None:
        """These are durable, or can never be."""
        for message in came:
            if message.number:
                self._acknowledged.add(message)
                if message.connection == self._connection:
                    self._paho.ack(message.number, 1)
        self._room.give(came)

    def _told(self, says: str) -> None:
        if not self._over:
            self._trouble(says)

    def _welcome(self, *, present: bool) -> None:
        """We are subscribed."""
        if self.met and not present:
            self._told(f"{self._asked.broker} kept nothing for us while we were away: what was published then is lost")
        if not present:
            self._acknowledged.forget()
        self.met = True
        self._well()
        self._news.set()

    def _arrived(self, came: Came) -> None:
        self._waiting.append(came)
        self._news.set()

    def _failed(self, fault: Exception) -> None:
        self._fault = fault
        self._news.set()

    # ── in paho's thread ────────────────────────────────────────────────────────────────────────
    def _work(self) -> None:
        try:
            self._paho.loop_forever(retry_first_connection=True)
        except Exception as fault:  # noqa: BLE001  it is raised again by `next`, where somebody hears of it
            if not self._over:
                self._loop.call_soon_threadsafe(self._failed, fault)

    def _tell(self, says: str) -> None:
        if not self._over:
            self._loop.call_soon_threadsafe(self._told, says)

    def _unreachable(self, wrong: Exception) -> None:
        self._tell(
            f"{self._asked.broker} can't be reached: {wrong or type(wrong).__name__}; look at host, port and tls"
        )

    def _connected(
        self, client: paho.Client, _: object, flags: paho.ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if self._over:
            client.disconnect()
            return
        if reason.is_failure:
            self._refused = True
            self._tell(f"{self._asked.broker} does not let us in: {reason}{HINTS.get(str(reason), '')}")
            return
        LOG.info("connected to %s", self._asked.broker)
        self._inside, self._present, self._since = True, flags.session_present, time.monotonic()
        self._connection += 1
        if flags.session_present:
            self._again = self._connection
        else:  # the broker knows nothing of what came before
            self._fresh = self._connection
        if self._asked.five:
            options = SubscribeOptions(qos=1, noLocal=True)
            client.subscribe([(topic, options) for topic in self._asked.topics])
        else:
            client.subscribe([(topic, 1) for topic in self._asked.topics])

    def _subscribed(
        self, _: paho.Client, __: object, ___: int, reasons: list[ReasonCode], ____: Properties | None
    ) -> None:
        pairs = zip(self._asked.topics, reasons, strict=False)
        refused = [f"{topic!r} ({reason})" for topic, reason in pairs if reason.is_failure]
        if refused:
            self._tell(
                f"{self._asked.broker} does not let us subscribe to {', '.join(refused)}; correct topics, or ask for it"
            )
        elif not self._over:
            self._loop.call_soon_threadsafe(lambda present: self._welcome(present=present), self._present)

    def _disconnected(
        self, _: paho.Client, __: object, ___: paho.DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        if self._inside:
            brief = TWINS.format(self._asked.client) if time.monotonic() - self._since < BRIEF else ""
            self._tell(f"{self._asked.broker} is gone, trying again: {reason}{brief}")
        elif not self._refused:
            self._tell(f"{self._asked.broker} hung up before it let us in: is it one, and does it want TLS? {reason}")
        self._inside = self._refused = False

    def _message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # which names nothing
        payload, number = bytes(message.payload), message.mid if message.qos else 0
        self._room.take(len(payload))
        came = Came(topic, payload, number, self._connection, message.dup, message.retain)
        if not self._over:
            self._loop.call_soon_threadsafe(self._arrived, came)
