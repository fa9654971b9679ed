"""`tutela witness`: the program that somebody else runs. It needs no engine, no database and no part of the city.

It asks a log for its newest checkpoint and the proof that it goes on from the last one that it cosigned, remembers it, and only
then gives its cosignature. What does not go on from there it refuses, keeps as evidence, and says aloud.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from tutela.backends.checkpoints import verifies
from tutela.backends.key_file import keep
from tutela.backends.witness_folder import WitnessFolder
from tutela.errors import BadInput, Broken, Conflict, EngineDown, NotFound
from tutela.flow.cosign import ALARMING, Doubt, judge, seen
from tutela.flow.rest import rest
from tutela.model import cosign, note
from tutela.model.cosign import Statement, Submission, Watched
from tutela.model.event import Checkpoint
from tutela.model.when import MINUTE, SECOND, iso

PATIENCE = 30.0
"""Seconds that a log has to answer."""

LARGEST = 100_000
"""Bytes of an answer."""

SILENT = 10 * MINUTE
"""After so long without a new checkpoint, by the time that is signed in it and by the witness's own, that is said aloud."""

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def clock() -> int:
    """The witness's own clock, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the witness keeps its things, what it is called, and which log it watches: its address, and its public key.

    Name and key are told at the first start, and may be left out afterwards.
    """

    folder: Path
    address: str
    name: str | None = None
    key: str | None = None


@dataclass(slots=True)
class Witness:
    """One witness of one log."""

    folder: WitnessFolder
    name: str
    key: str
    say: Say
    clock: Callable[[], int] = clock
    _given: str = field(default="")
    _grew: int = field(init=False)

    def __post_init__(self) -> None:
        self._grew = self.clock()

    async def round(self, http: httpx.AsyncClient) -> Doubt | None:
        """Ask, judge, remember, cosign. Raises EngineDown when the log does not answer as a log does."""
        watched = self._watched()
        last = seen(watched)
        wanted = _submission(await _asked(http, f"/v1/log/growth?old={last.size if last else 0}"))
        if wanted.note == self._given:
            return None
        found = judge(watched, wanted, verifies)
        if isinstance(found, Doubt):
            if found.why not in ALARMING:
                raise EngineDown(f"{http.base_url} gives nothing that can be cosigned: {found.says}")
            self.refuse(found, cosign.submit(wanted))
            return found
        line = self.cosign(watched, found)
        await _given(http, wanted.note + line)
        self._given, self._grew = wanted.note, self.clock()
        self.say(f"cosigned size {found.size:,} of {found.origin}, root {found.root.hex()}")
        return None

    def silence(self) -> str:
        """What to say aloud of a log that shows nothing new; "" while it does.

        It is no alarm that ends the cosigning, since nothing signed contradicts itself. But a log in which nothing happens signs that, each
        five minutes: one that shows nothing new does not work, or is frozen for us. People can tell these apart, when they are told.
        """
        now, last = self.clock(), seen(self._watched())
        since = self._grew if last is None else min(self._grew, last.at)
        if now - since <= SILENT:
            return ""
        newest = "" if last is None else f"; the newest one has size {last.size:,} and is of {iso(last.at)}"
        return (
            f"the log has shown no new checkpoint for {(now - since) // MINUTE} minutes{newest}. The city's log has stopped, or "
            "others are shown another log than you: ask the city, and somebody else, for its newest size"
        )

    def cosign(self, watched: Watched, point: Checkpoint) -> str:
        """The line of the cosignature. What was cosigned is on the disk before it is made."""
        public = note.read_verifier_key(watched.key)
        self.folder.remember(msgspec.structs.replace(watched, note=note.write(point, public), epoch=point.epoch))
        if watched.note != note.write(point, public):
            says = f"size {point.size}, root {point.root.hex()}, epoch {point.epoch}"
            self._tell("cosigned", says, reach=(point.epoch, point.size))
        at, key = self.clock() // SECOND, self.folder.key
        return cosign.write(
            cosign.signed_by(self.name, key.public, at, key.sign(cosign.cosigned(note.text(point), at)))
        )

    def refuse(self, doubt: Doubt, evidence: str) -> None:
        """Write it down with both checkpoints, and raise the alarm."""
        last = self._watched().note
        self._tell(doubt.why, doubt.says, f"{evidence}\n{last}")
        self.folder.raise_alarm(f"{iso(self.clock())} {doubt.why}: {doubt.says}")

    def accept(self, epoch: int, because: str) -> None:
        """A person says that this log begins anew, from that epoch on: it was restored, and they were told."""
        watched = self._watched()
        last = seen(watched)
        if last is not None and epoch <= last.epoch:
            raise BadInput(f"the log is in epoch {last.epoch} already; a restore begins a higher one")
        self._tell("accepted", f"the log begins anew with epoch {epoch}: {because}", watched.note, (epoch, 0))
        self.folder.remember(Watched(key=watched.key, epoch=epoch))

    def settle_alarm(self, because: str) -> None:
        """A person has looked at the alarm; what they say goes into the witness's own log."""
        if not (stands := self.folder.alarm):
            raise NotFound(f"no alarm stands in {self.folder.path}")
        self._tell("settled", f"{because} (the alarm was: {stands})")
        self.folder.end_alarm()

    def _watched(self) -> Watched:
        return self.folder.watched(note.origin_of(self.key)) or Watched(key=self.key)

    def _tell(self, what: str, says: str, evidence: str = "", reach: tuple[int, int] = (0, 0)) -> None:
        epoch, size = reach
        self.folder.tell(Statement(at=self.clock(), what=what, says=says, evidence=evidence, epoch=epoch, size=size))


def witness(folder: WitnessFolder, name: str | None, key: str | None, say: Say) -> Witness:
    """The witness in that directory, made at its first start."""
    called = name or folder.name
    new = not (folder.path / "witness.pub").exists()
    made = folder.settle(called)
    if new:
        say(f"this is a new witness; let the city enter its public key:\n{made}")
    mark = folder.path / "log.pub"
    if key is None and not mark.exists():
        raise BadInput(
            "say whose log is watched: --log with its public key, or the file log.pub, taken from the city itself"
        )
    told = (key or mark.read_text()).strip()
    note.read_verifier_key(told)
    if mark.exists() and mark.read_text().strip() != told:
        raise Conflict(f"the witness in {folder.path} watches another log; one directory, one log: see {mark}")
    if not mark.exists():
        keep(mark, f"{told}\n".encode(), 0o644)
    return Witness(folder, called, told, say)


def decided(where: Path, say: Say, because: str, epoch: int | None = None) -> None:
    """What a person decided, who has looked at the alarm if one stands; with `epoch`, that a restored log begins anew with it."""
    folder = WitnessFolder(where)
    with folder.held():
        here = witness(folder, None, None, say)
        if epoch is not None:
            here.accept(epoch, because)
        if folder.alarm or epoch is None:
            here.settle_alarm(because)


async def once(wanted: Wanted, say: Say) -> Doubt | None:
    """One round; what was refused."""
    folder = WitnessFolder(wanted.folder)
    with folder.held():
        here = witness(folder, wanted.name, wanted.key, say)
        _must_be_quiet(folder)
        async with _client(wanted.address) as http:
            doubt = await here.round(http)
    _aloud(here)
    return doubt


async def run(wanted: Wanted, every: float, say: Say, *, stay: bool) -> Doubt | None:
    """Round after round until SIGTERM or SIGINT. An alarm ends it; with `stay`, it is said again and again, and nothing cosigned."""
    stop = _stopped()
    folder = WitnessFolder(wanted.folder)
    with folder.held():
        here = witness(folder, wanted.name, wanted.key, say)
        if not stay:
            _must_be_quiet(folder)
        async with _client(wanted.address) as http:
            while not stop.is_set():
                doubt = None if folder.alarm else await _until(stop, _tried(here, http))
                if doubt is not None and not stay:
                    return doubt
                if folder.alarm:
                    log.error("ALARM, nothing is cosigned: %s", folder.alarm)
                else:
                    _aloud(here)
                await rest(stop, every)
    return None


async def _tried(here: Witness, http: httpx.AsyncClient) -> Doubt | None:
    try:
        return await here.round(http)
    except EngineDown as down:
        log.warning("the log does not answer, asking again: %s", down)
        return None


async def _until(stop: asyncio.Event, work: Coroutine[None, None, Doubt | None]) -> Doubt | None:
    """What it finds, or None when told to stop before. What is remembered is written in one go, so it may end anywhere."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        doing.cancel()
        waiting.cancel()
        await asyncio.gather(doing, waiting, return_exceptions=True)


def _must_be_quiet(folder: WitnessFolder) -> None:
    if stands := folder.alarm:
        raise Broken(
            f"an alarm stands: {stands}. Nothing is cosigned before somebody has looked at it: the evidence is in "
            f"{folder.path / 'events.jsonl'}. Then say what you found: `tutela witness-settled TEXT --data DIR`"
        )


def _aloud(here: Witness) -> None:
    if says := here.silence():
        log.error("ALARM: %s", says)


def _client(address: str) -> httpx.AsyncClient:
    if not address.startswith(("http://", "https://")):
        raise BadInput(f"{address!r} is no address of a log; write it like https://safety.helsinki.example")
    return httpx.AsyncClient(base_url=address, timeout=PATIENCE, headers={"Cache-Control": "no-cache"})


async def _asked(http: httpx.AsyncClient, path: str) -> str:
    return await _exchanged(http, http.build_request("GET", path), "does not answer")


async def _exchanged(http: httpx.AsyncClient, request: httpx.Request, else_: str) -> str:
    """The answer, all of it within our patience and no longer than one of a log; raises EngineDown, which says `else_`."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await http.send(request, stream=True)
            try:
                async for some in answer.aiter_bytes(LARGEST):
                    body += some
                    if len(body) > LARGEST:
                        raise EngineDown(f"{request.url} answers with more than a log has to say")
            finally:
                await answer.aclose()
    except TimeoutError as late:
        raise EngineDown(f"{http.base_url} {else_}: not within {PATIENCE:.0f} seconds") from late
    except httpx.HTTPError as wrong:
        raise EngineDown(f"{http.base_url} {else_}: {wrong or type(wrong).__name__}") from wrong
    text = body.decode(errors="replace")
    if not answer.is_success:
        raise EngineDown(f"{http.base_url} {else_}, {answer.status_code}: {text[:300]!r}")
    return text


def _submission(body: str) -> Submission:
    try:
        return cosign.submitted(body)
    except BadInput as wrong:
        raise EngineDown(f"what the log answers can't be read: {wrong.message}") from wrong


async def _given(http: httpx.AsyncClient, told: str) -> None:
    kind = {"Content-Type": "text/plain"}
    request = http.build_request("POST", "/v1/log/cosignatures", content=told.encode(), headers=kind)
    await _exchanged(http, request, "does not take the cosignature")


def _stopped() -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop
