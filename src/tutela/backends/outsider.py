"""Check a proof of one event, or a bundle of evidence, from a tutela log, offline: Python 3.10 or newer, and nothing else.

    python3 verify.py FILE                          says whether the file agrees with itself
    python3 verify.py FILE --log KEY --witness KEY  and with keys that you took from somebody you trust

A key is one line, NAME+ID+KEY, or a file that holds it: the city's `log.pub`, a witness's `witness.pub`. Take them from
their owners, not from whoever gave you the file. Exit status: 0, all of it holds by keys of yours; 3, it agrees with itself,
by keys that came with it; 1, something does not hold; 2, it could not be read.

What it relies on: RFC 9162 (the tree), RFC 8032 (Ed25519, below, for verifying only), C2SP signed-note, tlog-checkpoint,
tlog-cosignature and tlog-proof. What it can't tell: whether what the event says was true when it was written.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

HOLDS, BROKEN, UNREADABLE, ONLY_ITSELF = 0, 1, 2, 3

# ── Ed25519, RFC 8032 §5.1: verifying takes no secret, so that it need not be quick or constant in time ─────────────
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
"""Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z."""

ZERO: Point = (0, 1, 1, 0)


def added(one: Point, other: Point) -> Point:
    """The sum of two points."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A multiple of a point."""
    total = ZERO
    while number:
        if number & 1:
            total = added(total, point)
        point = added(point, point)
        number >>= 1
    return total


def same(one: Point, other: Point) -> bool:
    """Whether two are the same point."""
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def unpacked(packed: bytes) -> Point | None:
    """The point in 32 bytes; None when there is none."""
    y = int.from_bytes(packed, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(packed) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = unpacked((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or ZERO


@lru_cache(maxsize=1000)
def signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether that key made that signature over that text."""
    key, r = unpacked(public), unpacked(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % ORDER
    return same(times(s, BASE), added(r, times(h, key)))


# ── the tree, RFC 9162 §2.1 ─────────────────────────────────────────────────────────────────────────────────────────
def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def leads_to(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that the path leads to (§2.1.3.2); None when it is too long or too short for that index and size."""
    place, last = index, size - 1
    for other in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            leaf = node(other, leaf)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = node(leaf, other)
        place, last = place >> 1, last >> 1
    return leaf if last == 0 and index < size else None


# ── keys and notes ──────────────────────────────────────────────────────────────────────────────────────────────────
LOG, WITNESS = 1, 4


class WrongError(Exception):
    """It can't be read: where, and why."""


def exact(text: str, size: int, what: str) -> bytes:
    """Base64, of which there is one way to write it."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError as wrong:
        raise WrongError(f"{what} is not base64") from wrong
    if (size and len(raw) != size) or b64encode(raw).decode() != text:
        raise WrongError(f"{what} is not {size or 'proper'} bytes of base64")
    return raw


class Key:
    """A public key, NAME+ID+KEY; `kind` is what it signs: notes of a log, or cosignatures of a witness."""

    def __init__(self, line: str, kind: int) -> None:
        whose = "a log" if kind == LOG else "a witness"
        found = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", line.strip())
        if not found or not found[1].isprintable():
            raise WrongError(f"this is no public key of {whose}, NAME+ID+KEY: {line.strip()[:80]!r}")
        self.name, raw = found[1], exact(found[3], 33, "the key")
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if raw[0] != kind or self.id.hex() != found[2]:
            raise WrongError(f"this is no public key of {whose}, or it was changed: {line.strip()[:80]!r}")
        self.public, self.line = raw[1:], line.strip()


class Proof:
    """The proof in a file: index, path, checkpoint, and the signature lines under it."""

    def __init__(self, lines: Sequence[str]) -> None:
        try:
            blank = lines.index("")
            end = lines.index("", blank + 1)
        except ValueError as wrong:
            raise WrongError("the proof lacks an empty line before or after its checkpoint") from wrong
        head, note, self.signatures = lines[:blank], lines[blank + 1 : end], lines[end + 1 :]
        if (
            len(head) < 2
            or head[0] != "c2sp.org/tlog-proof@v1"
            or not re.fullmatch(r"index (0|[1-9]\d{0,17})", head[1])
        ):
            raise WrongError("the proof does not begin with 'c2sp.org/tlog-proof@v1' and 'index NUMBER'")
        if len(note) < 3 or not re.fullmatch(r"0|[1-9]\d{0,17}", note[1]):
            raise WrongError("the checkpoint lacks its origin, size or root")
        self.index, self.size, self.origin = int(head[1][6:]), int(note[1]), note[0]
        self.path = [exact(step, 32, f"hash {number} of the path") for number, step in enumerate(head[2:], 1)]
        self.root = exact(note[2], 32, "the root in the checkpoint")
        self.text = "".join(f"{line}\n" for line in note).encode()
        self.times = [int(line[5:]) for line in note[3:] if re.fullmatch(r"time \d{1,17}", line)]


# ── the report ──────────────────────────────────────────────────────────────────────────────────────────────────────
def plain(line: str) -> str:
    """One line of what is said: a file says nothing in our name, by a line feed or a terminal's codes in its text."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


class Report:
    """What was found, one line each: what holds, what does not, and what is to be known."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.broken = 0

    def say(self, holds: object, good: str, bad: str) -> None:
        """One check."""
        self.broken += not holds
        self.lines.append(plain(f"holds   {good}" if holds else f"BROKEN  {bad}"))

    def wrong(self, says: str) -> None:
        """Something that does not hold."""
        self.say(False, "", says)

    def know(self, says: str) -> None:
        """Something that is no check."""
        self.lines.append(plain(f"        {says}"))


def moment(seconds: float) -> str:
    """A time for people."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.0f} seconds after 1970"


SHAPE: dict[str, type] = dict.fromkeys(("about", "format", "leaf", "log", "sum"), str)
SHAPE |= {"event": dict, "proof": list, "witnesses": list}
TEXT = ("body", "by", "id", "kind", "salt", "sha256", "subject", "timeline")
FIELDS = {*TEXT, "at", "cause", "key"}
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def written(said: object) -> bytes:
    """The one way to write it."""
    return (json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read(raw: bytes) -> dict[str, Any]:
    """The file, if it is written in the one way that there is; raises WrongError with the place where it is not."""
    try:
        said = json.loads(raw.decode("utf-8"))
        again = written(said)
    except (ValueError, RecursionError) as wrong:
        raise WrongError(f"it is no JSON any more: {wrong}") from wrong
    if not isinstance(said, dict) or said.get("format") != "tutela-proof@1":
        raise WrongError("it does not say that it is a 'tutela-proof@1': a byte of that was changed, or it is none")
    if again != raw:
        place = next((n for n, (a, b) in enumerate(zip(raw, again, strict=False)) if a != b), min(len(raw), len(again)))
        raise WrongError(
            f"it is not written as it was: line {raw[:place].count(10) + 1}, byte {place} is not what belongs there"
        )
    if {name: type(value) for name, value in said.items()} != SHAPE or not re.fullmatch("[0-9a-f]{64}", said["leaf"]):
        raise WrongError(
            f"a part is missing, has another name, or is of another kind; there must be {', '.join(SHAPE)}"
        )
    event = said["event"]
    told = event if event.get("body") is not None else {**event, "body": ""}  # None: it was left out
    if set(event) != FIELDS or not all(isinstance(told[name], str) for name in TEXT) or type(event["at"]) is not int:
        raise WrongError(f"the event lacks a field, or has one of another kind; it has {', '.join(sorted(FIELDS))}")
    if not UUID.fullmatch(event["id"]):
        raise WrongError("the event's id is no UUID")
    return said


def event_leaf(event: dict[str, Any]) -> bytes:
    """The leaf of an event: the hash of its envelope in canonical JSON (RFC 8785), with its body's hash for its body."""
    envelope = {name: value for name, value in event.items() if name != "body"}
    text = json.dumps(envelope, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def check_event(report: Report, said: dict[str, Any], proof: Proof) -> None:
    """That the event is what the leaf stands for, and the leaf in the tree under the signed root."""
    event = said["event"]
    leaf, named = event_leaf(event), str(said["leaf"])
    if event["body"] is None:
        report.know("the body was left out of this file; its hash is in the leaf")
    else:
        body = exact(event["body"], 0, "the event's body")
        report.say(
            hashlib.sha256(body).hexdigest() == event["sha256"],
            f"the body is the one that was hashed ({len(body)} bytes)",
            "the event's body, or the hash of it in `sha256`: they don't belong together",
        )
    root = leads_to(leaf, proof.index, proof.size, proof.path)
    if leaf.hex() != named:
        where = "`leaf` itself: the event is in the log" if root == proof.root else "a field of the event, or `leaf`"
        report.wrong(f"the event does not give the leaf that the file names; what was changed is {where}")
        root = leads_to(bytes.fromhex(named), proof.index, proof.size, proof.path)
    else:
        report.say(True, f"the event {event['id']} gives the leaf {named}", "")
    report.say(
        root == proof.root,
        f"it is event {proof.index} of the {proof.size} in the log with the root {proof.root.hex()}",
        f"the way from the leaf to the root: the leaf, the index {proof.index}, one of the {len(proof.path)} hashes of the "
        f"path, or the size or root in the checkpoint",
    )


def check_log(report: Report, proof: Proof, key: Key) -> None:
    """That the log signed the checkpoint."""
    lines = [line for line in proof.signatures if line.startswith(f"— {key.name} ")]
    good = len(lines) == 1 and proof.origin == key.name
    raw = exact(lines[0].rpartition(" ")[2], 68, "the log's signature") if good else b""
    when = f", and says that it did at {moment(proof.times[0] / 1e6)}" if proof.times else ""
    report.say(
        raw[:4] == key.id and signed(key.public, raw[4:], proof.text),
        f"the log {key.name} signed this checkpoint{when}",
        f"the log's signature: the checkpoint (its origin, size, root or time), the signature line, or the key of {key.name}",
    )


def check_witness(report: Report, proof: Proof, key: Key, said: str, *, asked: bool) -> None:
    """That a witness cosigned the checkpoint: whoever was `asked` for must have."""
    lines = [line for line in proof.signatures if line.startswith(f"— {key.name} ")]
    if not lines:
        (report.wrong if asked else report.know)(f"the witness {key.name} did not cosign this checkpoint")
        return
    raw = exact(lines[0].rpartition(" ")[2], 76, f"the cosignature of {key.name}")
    at = int.from_bytes(raw[4:12], "big")
    text = b"cosignature/v1\ntime %d\n%s" % (at, proof.text)
    report.say(
        len(lines) == 1 and raw[:4] == key.id and signed(key.public, raw[12:], text),
        f"the witness {key.name}{said} had seen no other log than this, as of {moment(at)}",
        f"the cosignature of {key.name}: the checkpoint, the cosignature line, or the witness's key",
    )


def owners(said: dict[str, Any]) -> dict[str, tuple[Key, str]]:
    """The witnesses that the file names, by name: their keys, and who runs them, as the log says."""
    found: dict[str, tuple[Key, str]] = {}
    for one in said["witnesses"]:
        if not isinstance(one, dict) or set(one) != {"key", "owner", "simulated"} or type(one["simulated"]) is not bool:
            raise WrongError("a witness in the file lacks its key, owner or `simulated`")
        key = Key(str(one["key"]), WITNESS)
        if not (isinstance(one["owner"], str) and one["owner"].isprintable() and len(one["owner"]) <= 200):
            raise WrongError(f"who runs the witness {key.name} is not said in a line of at most 200 letters")
        whose = "the demonstration's own, and nobody else" if one["simulated"] else one["owner"]
        found[key.name] = key, f" ({whose})"
    return found


def check(raw: bytes, log: Key | None, witnesses: Sequence[Key]) -> tuple[int, list[str]]:
    """The exit status, and what to say, a line each. Keys that are not given are those in the file."""
    report = Report()
    try:
        said = read(raw)
        told, proof = owners(said), Proof([str(line) for line in said["proof"]])
        own = Key(str(said["log"]), LOG)
        check_event(report, said, proof)
        if log is not None and log.line != own.line:
            report.wrong(f"`log` in the file is another key than yours, of {log.name}; checked by yours")
        check_log(report, proof, log or own)
        mine = {key.name: (key, told.get(key.name, (key, ""))[1]) for key in witnesses}
        for key, owner in {**told, **mine}.values():
            check_witness(report, proof, key, owner, asked=key.name in mine)
        strangers(report, proof, {(log or own).name, *told, *mine})
        check_sum(report, said)
    except WrongError as wrong:
        return UNREADABLE if not report.lines else BROKEN, [*report.lines, plain(f"BROKEN  {wrong}")]
    return verdict(report, said, mine=log is not None, watched=bool(witnesses))


def check_sum(report: Report, said: dict[str, Any]) -> None:
    """That nothing else was changed: also what nobody signs, such as who is said to own a witness."""
    rest = written({name: value for name, value in said.items() if name != "sum"})
    report.say(
        hashlib.sha256(rest).hexdigest() == said["sum"],
        "the file is as it was written",
        "the file's own `sum`: it, or a part of the file, was changed; if all else holds, one that nobody signs",
    )


def strangers(report: Report, proof: Proof, known: set[str]) -> None:
    """Signature lines that nobody answers for."""
    for line in proof.signatures:
        name = line.split(" ")[1] if line.count(" ") == 2 and line.startswith("— ") else ""
        if name not in known:
            report.wrong(f"a signature line of nobody whose key is known here: {line[:60]!r}")


def verdict(report: Report, said: dict[str, Any], *, mine: bool, watched: bool) -> tuple[int, list[str]]:
    """All of it in one sentence at the end."""
    event = said["event"]
    if event["key"] is not None and event["body"] is not None:
        report.know("the body is sealed: this shows what was stored, and not what it says")
    if report.broken:
        return BROKEN, [*report.lines, f"THIS DOES NOT HOLD: {report.broken} of the checks failed, named above."]
    if not mine:
        says = "It agrees with itself, by the keys in it. Who signed it is not shown: give --log KEY, from the city itself."
        return ONLY_ITSELF, [*report.lines, says]
    alone = "no witness of yours: a log that shows others another past is not found so"
    return HOLDS, [*report.lines, f"This holds, by your key of the log and {'your witness' if watched else alone}."]
