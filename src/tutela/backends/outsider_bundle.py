"""The other half of verify.py: a bundle of evidence, which is a zip with everything about one incident; and the program.

`app/verifying.py` puts this after `outsider.py`, whose names it uses, so that whoever checks has one file. A bundle begins with
its manifest, which the log signed; from what that says follows where each byte of the file belongs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tutela.backends.outsider import (
    BROKEN,
    HOLDS,
    LOG,
    ONLY_ITSELF,
    UNREADABLE,
    WITNESS,
    Key,
    Report,
    WrongError,
    check,
    exact,
    moment,
    plain,
    signed,
)

# ── a bundle of evidence ────────────────────────────────────────────────────────────────────────────────────────────
BUNDLE = "tutela-evidence@1"
MANIFEST, NOTE = "manifest.json", "manifest.note"
HEADER = 30
"""Bytes before the name of a file in a zip."""

STAMPED, STAMP = "stamp/manifest.json", "stamp/manifest.tsr"
IMPRINT = bytes.fromhex("3031300d060960864801650304020105000420")
"""What RFC 3161 puts before a digest by SHA-256."""

TIME = re.compile(rb"\x18[\x0f-\x16](\d{14}(?:\.\d{1,6})?Z)")
"""The time in a stamp, as ASN.1 writes it."""

ZIP = b"PK\x03\x04"
PATH = re.compile(r"[a-z0-9][a-z0-9/._-]{0,199}")
WORDS = ("about", "agreement", "format", "incident", "log", "reason", "recipient", "timeline", "version")
PARTS: dict[str, type | tuple[type, ...]] = dict.fromkeys(WORDS, str)
PARTS |= {"asked": dict, "at": int, "files": list, "leaves": list, "left_out": list, "parent": (dict, type(None))}
ENTRY = {"bytes": int, "path": str, "personal": bool, "pieces": list, "says": str, "sha256": str}
PIECE = {"bytes": int, "of": str, "sha256": str}
LEAF = {"event": str, "kind": str, "leaf": str, "path": str}


def like(one: object, shape: dict[str, Any]) -> bool:
    """Whether that has these fields, of these kinds, and no other."""
    if not isinstance(one, dict) or set(one) != set(shape):
        return False
    sorts = ((one[name], kind) for name, kind in shape.items())
    return all(isinstance(value, kind) and (kind is bool or type(value) is not bool) for value, kind in sorts)


def manifest_of(raw: bytes) -> dict[str, Any]:
    """The manifest, if it is written in the one way that there is."""
    try:
        said: dict[str, Any] = json.loads(raw.decode("utf-8"))
        again = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except (ValueError, RecursionError) as wrong:
        raise WrongError(f"{MANIFEST}: it is no JSON any more: {wrong}") from wrong
    if again != raw:
        raise WrongError(f"{MANIFEST}: it is not written as it was")
    if not like(said, PARTS) or said["format"] != BUNDLE:
        raise WrongError(f"{MANIFEST}: it is not that of a {BUNDLE!r}, or a part is missing or of another kind")
    files = said["files"]
    good = all(like(one, ENTRY) and PATH.fullmatch(one["path"]) and one["bytes"] >= 0 for one in files)
    good = good and all(like(piece, PIECE) for one in files for piece in one["pieces"])
    if not good or not all(like(one, LEAF) for one in said["leaves"]):
        raise WrongError(f"{MANIFEST}: what it says of a file, a piece or a leaf can't be understood")
    return said


class Bundle:
    """The file, cut up as its manifest says."""

    def __init__(self, raw: bytes) -> None:
        start = HEADER + len(MANIFEST)
        end = raw.find(b"\n", start) + 1
        if not raw[:start].endswith(MANIFEST.encode()) and not raw.startswith(ZIP):
            raise WrongError("it does not begin as a bundle of evidence does, with its manifest.json")
        self.raw, self.manifest = raw, raw[start:end]
        self.said = manifest_of(self.manifest)
        self.origin = str(self.said["log"]).split("+")[0]
        self.body: dict[str, bytes] = {MANIFEST: self.manifest}
        self.start = {MANIFEST: start}
        place, note = end, len(f"{BUNDLE}\n{self.origin}\n\n\n— {self.origin} \n".encode()) + 44 + 92
        for name, size in ((NOTE, note), *((one["path"], one["bytes"]) for one in self.said["files"])):
            start = place + HEADER + len(name)
            place = start + size
            if name in self.body:
                raise WrongError(f"{MANIFEST}: it names {name} twice")
            self.body[name], self.start[name] = raw[start:place], start

    def written(self) -> Iterator[tuple[str, bytes]]:
        """The zip as it is written, in pieces, each with a name for people."""
        folder, place = [], 0
        for name, body in self.body.items():
            told = struct.pack("<HHHHHIII", 20, 0, 0, 0, 33, zlib.crc32(body), len(body), len(body))
            head = ZIP + told + struct.pack("<HH", len(name), 0) + name.encode()
            yield f"the zip's header before {name}", head
            yield name, body
            rest = struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0o100644 << 16, place)
            folder.append((name, b"PK\x01\x02" + struct.pack("<BB", 20, 3) + told + rest + name.encode()))
            place += len(head) + len(body)
        for name, entry in folder:
            yield f"the zip's table, at {name}", entry
        count, size = len(folder), sum(len(entry) for _, entry in folder)
        yield "the zip's end", b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, place, 0)


def check_manifest(report: Report, bundle: Bundle, log: Key | None) -> Key:
    """That the log signed the manifest, and which of the two was changed if not; the key that it was checked by."""
    try:
        own = Key(bundle.said["log"], LOG)
    except WrongError as wrong:
        raise WrongError(f"{MANIFEST}: {wrong}") from wrong
    key = log or own
    if key.line != own.line:
        report.wrong(f"this is a bundle of another log than yours, {key.name}: of {own.name}; checked by your key")
    digest = b64encode(hashlib.sha256(bundle.manifest).digest()).decode()
    wanted = f"{BUNDLE}\n{bundle.origin}\n{digest}\n".encode()
    text, _, line = bundle.body[NOTE].partition(b"\n\n")
    text, head = text + b"\n", f"— {key.name} ".encode()
    try:
        raw = (
            exact(line[len(head) : -1].decode("ascii", "replace"), 68, "the signature")
            if line.startswith(head)
            else b""
        )
    except WrongError:
        raw = b""
    good = raw[:4] == key.id and line.endswith(b"\n") and bundle.origin == key.name
    over = [one for one in (wanted, text) if good and signed(key.public, raw[4:], one)]
    where = f"{NOTE}: its signature, or the key of {key.name}; or {MANIFEST}"
    if over:
        where = f"{NOTE}: its first lines" if wanted in over else f"{MANIFEST}: the log signed another one"
    asked = bundle.said["asked"]
    report.say(
        wanted == text and wanted in over,
        f"the log {key.name} signed the manifest, as of {moment(bundle.said['at'] / 1e6)}: asked by {asked.get('agent')} "
        f"for {asked.get('purpose')}, for {bundle.said['recipient']}",
        where,
    )
    return key


def check_files(report: Report, bundle: Bundle) -> None:
    """That each file is the one in the manifest; else which piece of it is not."""
    good = 0
    for told in bundle.said["files"]:
        body = bundle.body[told["path"]]
        if hashlib.sha256(body).hexdigest() == told["sha256"] and len(body) == told["bytes"]:
            good += 1
            continue
        where = [f"; {line[8:]}" for line in check(body, None, ())[1] if line.startswith("BROKEN")]
        report.wrong(f"{told['path']}{pieces_of(told, body) or ''.join(where)}")
    report.say(
        good == len(bundle.said["files"]), f"{good} files are as they were", f"files were changed: {good} were not"
    )


def pieces_of(told: dict[str, Any], body: bytes) -> str:
    """Which pieces of a file were changed, in words."""
    place, found = 0, ""
    for number, piece in enumerate(told["pieces"], 1):
        end = place + piece["bytes"]
        if hashlib.sha256(body[place:end]).hexdigest() != piece["sha256"]:
            found += f", piece {number} ({piece['of']}): among its bytes {place} to {end - 1}"
        place = end
    return found


def check_proofs(report: Report, bundle: Bundle, key: Key, witnesses: Sequence[Key]) -> None:
    """That each event of the bundle is in the log."""
    proved, seals = 0, dict[str, None]()
    for leaf in bundle.said["leaves"]:
        body = bundle.body.get(leaf["path"], b"")
        status, lines = check(body, key, witnesses)
        seals |= dict.fromkeys(line for line in lines if line.startswith(("holds   the log", "holds   the witness")))
        wrong = [line[8:] for line in lines if line.startswith("BROKEN")]
        said = json.loads(body) if status == HOLDS else {}
        if not wrong and (said["leaf"], said["event"]["id"]) != (leaf["leaf"], leaf["event"]):
            wrong = ["it proves another event than the manifest says"]
        for one in wrong:
            report.wrong(f"{leaf['path']}: {one}")
        proved += not wrong
    report.lines += seals
    count = len(bundle.said["leaves"])
    report.say(
        proved == count, f"{proved} events are in the log, each proved by itself", f"{count - proved} events are not"
    )


def check_stamp(report: Report, bundle: Bundle) -> None:
    """That a time stamp, if there is one, is over what this manifest says. Who signed it is not shown here."""
    if STAMP not in bundle.body:
        return
    files = [one for one in bundle.said["files"] if one["path"] not in (STAMP, STAMPED)]
    wanted = json.dumps({**bundle.said, "files": files}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    over = wanted.encode() + b"\n"
    found = bundle.body[STAMP].find(IMPRINT + hashlib.sha256(over).digest())
    told = TIME.search(bundle.body[STAMP], max(found, 0))
    report.say(
        found >= 0 and bundle.body.get(STAMPED) == over,
        f"a time stamp of {told[1].decode() if told else 'a time that it tells'} is over all that the manifest says",
        f"{STAMP}: it is over something else than this manifest",
    )
    report.know(
        f"who signed the stamp is not checked here: unpack it, and `openssl ts -verify -data {STAMPED} -in {STAMP} -CAfile "
        "CA.pem`, with the certificate of the time stamping authority from itself"
    )


def check_zip(report: Report, bundle: Bundle) -> None:
    """That nothing else is in the file, and each byte between the files is what belongs there."""
    place = 0
    for name, part in bundle.written():
        found = bundle.raw[place : place + len(part)]
        if found != part:
            report.wrong(f"{name}: among the bytes {place} to {place + len(part) - 1} of the whole")
            return
        place += len(part)
    report.say(place == len(bundle.raw), "nothing else is in it", f"there is more after its end, at byte {place}")


def check_parent(report: Report, bundle: Bundle, parent: bytes | None) -> None:
    """What it was derived from, if it was."""
    told = bundle.said["parent"]
    if told is None:
        report.say(parent is None, "it is an original", "it is an original, and derived from nothing")
        return
    named = str(told.get("sha256"))
    if parent is None:
        report.know(
            f"it is redacted, derived from the bundle with the SHA-256 {named}; --parent FILE holds that against it"
        )
        return
    report.say(
        hashlib.sha256(parent).hexdigest() == named,
        f"it is redacted, derived from that bundle, with the SHA-256 {named}",
        f"it was derived from another bundle, with the SHA-256 {named}",
    )


def check_bundle(
    raw: bytes, log: Key | None, witnesses: Sequence[Key], parent: bytes | None = None
) -> tuple[int, list[str]]:
    """The exit status, and what to say, a line each. What the manifest says counts only once that is the log's."""
    report = Report()
    try:
        bundle = Bundle(raw)
        key = check_manifest(report, bundle, log)
        if not report.broken:
            check_files(report, bundle)
            check_proofs(report, bundle, key, witnesses)
            check_parent(report, bundle, parent)
            check_stamp(report, bundle)
        if not report.broken:
            check_zip(report, bundle)
    except WrongError as wrong:
        return UNREADABLE if not report.lines else BROKEN, [*report.lines, plain(f"BROKEN  {wrong}")]
    for one in bundle.said["left_out"]:
        report.know(f"left out: {one}")
    if report.broken:
        return BROKEN, [*report.lines, "THIS DOES NOT HOLD: what is changed is named above."]
    if log is None:
        says = (
            "It agrees with itself, by the key in it. Who signed it is not shown: give --log KEY, from the city itself."
        )
        return ONLY_ITSELF, [*report.lines, says]
    alone = "no witness of yours: a log that shows others another past is not found so"
    return HOLDS, [*report.lines, f"This holds, by your key of the log and {'your witness' if witnesses else alone}."]


# ── the program ─────────────────────────────────────────────────────────────────────────────────────────────────────
def check_file(
    raw: bytes, log: Key | None, witnesses: Sequence[Key], parent: bytes | None = None
) -> tuple[int, list[str]]:
    """As `check` or `check_bundle`, whichever it is."""
    if raw.lstrip()[:1] == b"{" and MANIFEST.encode() not in raw[: HEADER + len(MANIFEST)]:
        return check(raw, log, witnesses)
    return check_bundle(raw, log, witnesses, parent)


def key_of(given: str, kind: int) -> Key:
    """A key as it was given: a line, or a file with one."""
    path = Path(given)
    return Key(path.read_text(encoding="utf-8") if "+" not in given or path.is_file() else given, kind)


def main(words: Sequence[str] | None = None) -> int:
    """The program."""
    asked = argparse.ArgumentParser(description="Check a proof or a bundle of evidence from a tutela log, offline.")
    asked.add_argument("file", help="what `tutela proof` or `tutela evidence` wrote")
    asked.add_argument("--log", help="the log's public key, or a file with it (log.pub)")
    asked.add_argument("--witness", action="append", default=[], help="a witness's public key, or a file with it")
    asked.add_argument("--parent", help="the bundle that a redacted one was derived from")
    chosen = asked.parse_args(words)
    try:
        log = key_of(chosen.log, LOG) if chosen.log else None
        witnesses = [key_of(one, WITNESS) for one in chosen.witness]
        parent = Path(chosen.parent).read_bytes() if chosen.parent else None
        status, lines = check_file(Path(chosen.file).read_bytes(), log, witnesses, parent)
    except (OSError, UnicodeDecodeError, WrongError) as wrong:
        status, lines = UNREADABLE, [plain(f"BROKEN  {wrong}")]
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
