"""What a witness keeps, in a directory of its own: its key, what it knows of each log, and its own log.

    witness.key      its private key, made once, for its owner alone
    witness.pub      the public half, as note tools take it
    logs/*.json      of each log that it watches, its key and the newest checkpoint that was cosigned
    events.jsonl     what it did and refused, with the evidence: a line each, only ever added to
    ALARM            there while something stands that a person has to look at

What it knows is on the disk before anybody gets a cosignature of it: it never cosigns two states that don't fit each other,
wherever it is stopped. What it knows is held against its own log: a witness that lost a part of it does not begin again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tutela.backends.checkpoints import Key
from tutela.backends.key_file import keep, sync_folder
from tutela.errors import BadInput, Broken, Conflict, EngineDown, NotFound
from tutela.model import cosign, note
from tutela.model.cosign import Statement, Watched

_watched = msgspec.json.Decoder(Watched).decode
_statement = msgspec.json.Decoder(Statement).decode
ASIDE = ".new"

Reach = tuple[int, int]
"""How far something goes: seal epoch and size."""

NOWHERE: Reach = (-1, -1)

ANEW = (
    "a backup may be older than what was cosigned, so don't restore it: keep this directory, begin a new witness in another one, "
    "under a new key and another name, and let the city enter it"
)


class WitnessFolder:
    """One directory. `held` keeps a second witness out of it: two with one key could say two things."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: Reach | None = None

    def settle(self, name: str) -> str:
        """Make the key, if there is none; the public half of it. Raises Broken when it is gone, Conflict for another name."""
        key, public = self.path / "witness.key", self.path / "witness.pub"
        if not key.exists():
            if public.exists() or self._logs.exists():
                raise Broken(
                    f"the witness's key {key} is gone; restore it from its backup, or begin a new witness in another directory"
                )
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            keep(key, Ed25519PrivateKey.generate().private_bytes_raw())
        told = cosign.cosigner_key(name, self.key.public)
        if not public.exists():
            keep(public, f"{told}\n".encode(), 0o644)
        if public.read_text().strip() != told:
            raise Conflict(f"the witness in {self.path} is {public.read_text().strip()}, and not called {name}")
        return told

    @property
    def key(self) -> Key:
        """What it signs with; raises Broken when it is gone."""
        return Key(self.path / "witness.key")

    @property
    def name(self) -> str:
        """What it is called; raises NotFound where no witness was settled."""
        public = self.path / "witness.pub"
        if not public.exists():
            raise NotFound(f"there is no witness in {self.path}; `tutela witness --name NAME --log KEY` makes one")
        return cosign.read_cosigner_key(public.read_text().strip())[0]

    @contextmanager
    def held(self) -> Iterator[None]:
        """As long as this is the only witness at work here; raises Conflict when it is not."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(handle)
            yield
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise Conflict(f"another witness is at work in {self.path}; stop it first") from taken

    def watched(self, origin: str) -> Watched | None:
        """What is known of a log; None when it was never watched.

        Raises Broken when that can't be read, is gone, or is less than what its own log says was cosigned: then nobody knows what
        it may still cosign, and a backup does not either.
        """
        path = self._log(origin)
        try:
            found = _watched(path.read_bytes()) if path.exists() else None
            known = _reach(found)
        except (msgspec.MsgspecError, BadInput) as wrong:
            raise Broken(f"what the witness knows of {origin} can't be read ({path}); {ANEW}") from wrong
        if self._told is None:
            self._told = self._read()
        if known < self._told:
            has = "is gone" if found is None else f"is of size {known[1]} in epoch {known[0]}"
            raise Broken(
                f"what the witness knows of {origin} {has} ({path}), and it cosigned more than that: see "
                f"{self._events}; {ANEW}"
            )
        return found

    def remember(self, watched: Watched) -> None:
        """Know this from now on; it is on the disk when this returns, whole or not at all."""
        path = self._log(note.origin_of(watched.key))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self.path)
        aside = path.with_suffix(ASIDE)
        _written(aside, msgspec.json.encode(watched), os.O_TRUNC)
        aside.replace(path)
        sync_folder(path.parent)

    def tell(self, said: Statement) -> None:
        """Add a line to its own log; it is on the disk when this returns."""
        path = self._events
        made = not path.exists()
        _written(path, msgspec.json.encode(said) + b"\n", os.O_APPEND)
        if made:
            sync_folder(self.path)
        if self._told is not None:
            self._told = _after(self._told, said)

    @property
    def alarm(self) -> str:
        """What a person has to look at; "" for nothing."""
        path = self.path / "ALARM"
        return path.read_text().strip() if path.exists() else ""

    def raise_alarm(self, says: str) -> None:
        """Let it stand until a person says that they have looked; the first one stays."""
        keep(self.path / "ALARM", f"{says}\n".encode(), 0o644)

    def end_alarm(self) -> None:
        """A person has looked."""
        (self.path / "ALARM").unlink(missing_ok=True)
        sync_folder(self.path)

    def _read(self) -> Reach:
        """How far it cosigned, as its own log has it."""
        told = NOWHERE
        if self._events.exists():
            with self._events.open("rb") as lines:
                for line in lines:
                    # A line that a crash cut off says nothing: what it was to say was remembered before.
                    with suppress(msgspec.MsgspecError):
                        told = _after(told, _statement(line))
        return told

    @property
    def _events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def _logs(self) -> Path:
        return self.path / "logs"

    def _log(self, origin: str) -> Path:
        return self._logs / f"{sha256(origin.encode()).hexdigest()[:32]}.json"


def _reach(watched: Watched | None) -> Reach:
    if watched is None:
        return NOWHERE
    if not watched.note:
        return watched.epoch, 0
    point, _ = note.opened(watched.note)
    return point.epoch, point.size


def _after(told: Reach, said: Statement) -> Reach:
    """How far it cosigned after that line. What a person accepted begins below all, until it is remembered."""
    if said.what == "accepted":
        return 0, 0
    return max(told, (said.epoch, said.size)) if said.what == "cosigned" else told


def _whole(path: Path) -> bool:
    """Whether a file of lines ends with one that is whole."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _written(path: Path, body: bytes, how: int) -> None:
    try:
        # What a crash cut off stays as a line of its own: nothing is taken out of a file of lines.
        torn = b"" if how != os.O_APPEND or not path.exists() or _whole(path) else b"\n"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(torn + body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as wrong:
        raise EngineDown(f"{path} can't be written: {wrong.strerror}; nothing is cosigned before it can") from wrong
