"""MQTT 3.1.1 and 5.0: observations published by anybody who holds a source's or a device's token.

    SOURCE/NAME                          the datastream NAME, such as yard-air/yard/pm25
    v1.1/Datastreams(ID)/Observations    the same as SensorThings says it (OGC 18-088,
                                         create-observations-via-mqtt), by the register's number
    v1.1/Observations                    likewise, with that number in the message: "Datastream": {"@iot.id": ID}

User name: `SOURCE`, or `SOURCE/THING` for one device, which publishes below that only; password: the token. A message is
a number, a JSON object or several of these, one a line (`standards.payloads`). Its acknowledgement (QoS 1) comes only when it
is durable. What can't be taken is acknowledged too, since it would never become better; version 5 is told why. When nothing can
be stored the connection is closed without an acknowledgement, and the client sends again. Nobody reads here: subscriptions
are refused, retained messages and wills are taken and not kept.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tutela.errors import Conflict, Overloaded, Quarantined
from tutela.model.card import Card
from tutela.model.flow import Give, Sender
from tutela.standards.mqtt import ALIASES, PACKET, Code, Connect, Properties, Property
from tutela.standards.payloads import Names, Now, Stamps

from ._mqtt_connection import Connection
from ._mqtt_gathering import Gathering
from ._mqtt_sessions import Sessions

Identify = Callable[[str], Awaitable[Sender]]
"""Whose token that is; raises Quarantined when nobody's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is held at most. Seconds are those of the event loop's clock.

    `receive_maximum`: messages of one connection that wait for their acknowledgement, `share`: rows of them; `rows`: rows of
    all connections that are on their way; `device`, `source`: connections of one of these, and as many of its clients that
    are away are remembered; `hello`: seconds to introduce oneself; `packet`: seconds in which a packet that has begun is whole;
    `session`: seconds for which a client that is away is remembered, `sessions`: how many of them; `stop`: seconds in which
    what is on its way is seen through at the end.
    """

    connections: int = 10_000
    device: int = 100
    source: int = 2_000
    receive_maximum: int = 256
    share: int = 20_000
    rows: int = 400_000
    hello: float = 10.0
    packet: float = 30.0
    session: int = 86_400
    sessions: int = 50_000
    stop: float = 2.0


class Door:
    """The MQTT source: one connection a client, one offer a turn, an acknowledgement when it is durable."""

    name = "mqtt"
    card = Card(
        finds="Whatever devices publish over MQTT, each below its own topic.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot=(
            "Know whether a device tells the truth; tell a message that is sent again from a new one when it carries no"
            " time; encrypt by itself: off this machine, put a TLS proxy before it."
        ),
    )

    def __init__(
        self,
        give: Give,
        names: Names,
        identify: Identify,
        clock: Now,
        limits: Limits | None = None,
    ) -> None:
        self.names, self.limits = names, limits or Limits()
        self.receive_maximum, self.share = self.limits.receive_maximum, self.limits.share
        self.gathering = Gathering(give, self._room)
        self.now: Now = Stamps(clock)
        self._identify, self._clock = identify, clock
        self._connections: set[Connection] = set()
        self._sessions: Sessions[Connection] = Sessions(self.limits.sessions)
        self._held_back: set[Connection] = set()
        self._assigned = 0
        self._tasks: asyncio.TaskGroup | None = None
        self._leaving = False

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Take connections as long as the body runs, on that port (0: any; it is given).

        At the end what is on its way is seen through, and everybody is told. Raises Conflict when the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: Connection(self), host, port, backlog=1024, start_serving=False)
            for listener in server.sockets:
                # Its connections inherit it: whoever vanishes without a word, and promised none, is noticed in the end.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError as taken:
            raise Conflict(f"MQTT can't listen on port {port}: {taken}; name another one") from taken
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self.gathering.begin(tasks)
            await server.start_serving()
            sweeping = tasks.create_task(self._sweep())
            try:
                yield server.sockets[0].getsockname()[1]
            finally:
                server.close()
                await self._leave()
                sweeping.cancel()

    async def _leave(self) -> None:
        self._leaving = True
        for connection in tuple(self._connections):
            connection.work()  # which stops reading
        await self.gathering.finish(self.limits.stop)
        for connection in tuple(self._connections):
            connection.end(Code.SHUTTING_DOWN, "this server stops; come again in a moment")

    # ── what connections ask ────────────────────────────────────────────────────────────────────
    def come(self, connection: Connection) -> bool:
        """A connection is made; whether there is room for it."""
        if self._leaving or len(self._connections) >= self.limits.connections:
            return False
        self._connections.add(connection)
        return True

    def gone(self, connection: Connection) -> None:
        """A connection is over."""
        self._connections.discard(connection)
        self._held_back.discard(connection)
        if connection.key is not None:
            most = self._most(connection.sender)
            self._sessions.leave(connection.key, connection, asyncio.get_running_loop().time(), most)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that takes longer than a turn."""
        if self._tasks is None:
            raise RuntimeError("a connection before the door listens")
        return self._tasks.create_task(work)

    def full(self, connection: Connection) -> bool:
        """Whether too many rows are on their way; then the connection is called when there is room."""
        if self.gathering.rows < self.limits.rows and not self._leaving:
            return False
        self._held_back.add(connection)
        return True

    def _room(self) -> None:
        if self._held_back and self.gathering.rows < self.limits.rows and not self._leaving:
            held_back, self._held_back = self._held_back, set()
            for connection in held_back:
                connection.work()

    async def who(self, connect: Connect) -> Sender:
        """Who introduces himself; raises Quarantined for a token of nobody, or of somebody else, Overloaded for one too many."""
        sender = await self._identify(_token(connect))
        if connect.user != sender.name:
            self.gathering.refuse(sender.source, "foreign")
            raise Quarantined(f"this token is of {sender.name}, and not of whoever shows it")
        if not self._sessions.room((sender.name, connect.client), most := self._most(sender)):
            raise Overloaded(
                f"{sender.name} has {most} connections already; use one of them, or close those that are left"
            )
        return sender

    def _most(self, sender: Sender | None) -> int:
        """How many connections it may have."""
        return self.limits.source if sender is not None and sender.thing is None else self.limits.device

    def enter(self, connection: Connection, connect: Connect, sender: Sender) -> tuple[bool, Properties]:
        """Let a client in: whether its session is known, and what version 5 tells it (§3.2.2.3)."""
        told: dict[int, int | str | bytes] = {
            Property.RECEIVE_MAXIMUM: self.receive_maximum,
            Property.MAXIMUM_QOS: 1,
            Property.MAXIMUM_PACKET_SIZE: PACKET,
            Property.TOPIC_ALIAS_MAXIMUM: ALIASES,
            Property.WILDCARD_SUBSCRIPTIONS: 0,
            Property.SUBSCRIPTION_IDS: 0,
            Property.SHARED_SUBSCRIPTIONS: 0,
        }
        client = connect.client
        if not client:
            self._assigned += 1
            client = told[Property.ASSIGNED_CLIENT_ID] = f"assigned/{self._clock()}/{self._assigned}"
        lasts = min(connect.session_expiry, self.limits.session)
        if lasts != connect.session_expiry:
            told[Property.SESSION_EXPIRY] = lasts
        connection.key = sender.name, client
        now = asyncio.get_running_loop().time()
        present, older = self._sessions.enter(connection.key, connection, lasts, now, clean=connect.clean)
        if older is not None:
            older.end(Code.TAKEN_OVER, "the same client connected again [MQTT-3.1.4-3]")
        return present, told

    def leaves(self, connection: Connection, expiry: int | None) -> None:
        """A client says goodbye, and may change for how long its session is kept."""
        if connection.key is not None and expiry is not None:
            self._sessions.change(connection.key, connection, min(expiry, self.limits.session))

    # ── who is silent for too long ──────────────────────────────────────────────────────────────
    async def _sweep(self) -> None:
        """Each second, let go of whoever is silent for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            self.look(loop.time())

    def look(self, now: float) -> None:
        """Let go of whoever is silent for too long; `now` in seconds of the event loop's clock."""
        for connection in tuple(self._connections):
            self._judge(connection, now)
        self._sessions.forget(now)

    def _judge(self, connection: Connection, now: float) -> None:
        limits, silent = self.limits, now - connection.since
        if connection.over or connection.stuck:
            if silent > limits.packet:
                connection.abort()  # it does not even take what it is told
        elif not connection.idle:
            return  # it waits for us
        elif connection.sender is None:
            if silent > limits.hello:
                connection.abort()
        elif connection.begun is not None and now - connection.begun > limits.packet:
            connection.end(Code.PROTOCOL, f"a packet was not whole after {limits.packet:g} seconds")
        elif connection.keep_alive and silent > 1.5 * connection.keep_alive:
            connection.end(Code.KEEP_ALIVE, "nothing came for one and a half times the keep alive [MQTT-3.1.2-22]")


def _token(connect: Connect) -> str:
    """The token in a CONNECT; nothing, which nobody holds, when there is none."""
    if connect.user is None or connect.password is None:
        return ""
    return connect.password.decode("ascii", "replace")


part = Door
