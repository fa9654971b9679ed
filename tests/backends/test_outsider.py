"""The script for outsiders: Ed25519 as RFC 8032 has it, and not one bit of a proof changes without being found and located."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.app.verifying import script
from tutela.backends import outsider
from tutela.backends.outsider import BROKEN, HOLDS, LOG, ONLY_ITSELF, UNREADABLE, WITNESS, Key, check, signed
from tutela.flow.seal import leaf_of
from tutela.maths.merkle import Tree, leaf_hash
from tutela.model import cosign, note
from tutela.model.cosign import Cosigner
from tutela.model.event import Checkpoint, Event
from tutela.model.proof import Inclusion, bundle

# RFC 8032 §7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
RAW = [tuple(map(bytes.fromhex, vector)) for vector in VECTORS]

ORIGIN = "helsinki.example/log"
KEY, WATCH, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
NAME = "ombudsman.example/witness"
LOG_KEY = note.verifier_key(ORIGIN, KEY.public_key().public_bytes_raw())
WITNESS_KEY = cosign.cosigner_key(NAME, WATCH.public_key().public_bytes_raw())


# ── Ed25519 ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("public", "text", "signature"), RAW, ids=range(len(RAW)))
def test_the_vectors_of_rfc_8032_verify(public: bytes, text: bytes, signature: bytes) -> None:
    assert signed(public, signature, text)


@pytest.mark.parametrize(("public", "text", "signature"), RAW, ids=range(len(RAW)))
def test_no_vector_verifies_with_anything_changed(public: bytes, text: bytes, signature: bytes) -> None:
    changed = bytearray(signature)
    changed[3] ^= 1

    assert not signed(public, bytes(changed), text)
    assert not signed(public, signature, text + b"x")
    assert not signed(RAW[0][0] if public != RAW[0][0] else RAW[1][0], signature, text)


@settings(deadline=None, max_examples=15)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 64 * 8 - 1))
def test_what_another_library_signs_verifies_and_with_one_bit_flipped_does_not(
    secret: bytes, text: bytes, bit: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes_raw(), bytearray(key.sign(text))

    assert signed(public, bytes(signature), text)
    signature[bit // 8] ^= 1 << bit % 8
    assert not signed(public, bytes(signature), text)


def test_a_signature_whose_number_is_not_reduced_is_refused() -> None:
    """Else there would be two signatures for each, and a note could be changed without its key."""
    public, text, signature = RAW[1]
    other = int.from_bytes(signature[32:], "little") + outsider.ORDER

    assert not signed(public, signature[:32] + other.to_bytes(32, "little"), text)


@pytest.mark.parametrize(
    "public", [b"\xff" * 32, b"x", (2).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little")]
)
def test_what_is_no_point_is_no_key(public: bytes) -> None:
    assert not signed(public, RAW[0][2], b"")


def test_a_signature_of_another_length_is_refused() -> None:
    public, text, signature = RAW[0]

    assert not signed(public, signature + b"\x00", text)
    assert not signed(public, b"", text)


# ── the leaf ────────────────────────────────────────────────────────────────────────────────────
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(texts, texts, st.none() | texts, st.binary(max_size=40), st.binary(max_size=20), st.integers(0, 2**62))
def test_the_leaf_is_the_one_that_the_sealer_makes(
    by: str, subject: str, cause: str | None, body: bytes, salt: bytes, at: int
) -> None:
    event = made(by=by, subject=subject, cause=cause, body=body, salt=salt, at=at)
    told = json.loads(file_of(event))["event"]

    assert outsider.event_leaf(told) == leaf_of(event)


@given(st.integers(1, 300), st.data())
def test_a_path_leads_to_the_root_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    tree, index = Tree(leaves), data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index, size)

    assert outsider.leads_to(leaves[index], index, size, path) == tree.root()
    assert outsider.leads_to(leaves[index], index, size, [*path, b"x" * 32]) != tree.root()
    assert size == 1 or outsider.leads_to(leaves[index], index, size, path[1:]) != tree.root()
    assert outsider.leads_to(leaves[index], index + size, size, path) != tree.root()


# ── a proof ─────────────────────────────────────────────────────────────────────────────────────
def made(**changes: object) -> Event:
    event = Event(
        id="196cd1db-409e-847b-bf47-8f9ff631f70f",
        at=1_795_845_519_000_000,
        by="threshold",
        cause="OBS-live:1247",
        kind="detection@1",
        timeline="live",
        body='{"says":"It is löud at the square."}'.encode(),
        salt=b"s" * 16,
        subject="f80c8580",
    )
    return msgspec.structs.replace(event, **changes)


def file_of(
    event: Event, size: int = 21, place: int = 13, *, witnessed: bool = True, key: Ed25519PrivateKey = KEY
) -> str:
    """The proof of that event in a log of that size, as `tutela proof` writes it."""
    tree = Tree([leaf_of(event) if number == place else leaf_hash(b"%d" % number) for number in range(size)])
    point = Checkpoint(origin=ORIGIN, epoch=1, size=size, root=tree.root(), at=1_795_845_600_000_000, signature=b"")
    public = key.public_key().public_bytes_raw()
    signed_ = note.write(msgspec.structs.replace(point, signature=key.sign(note.text(point))), public)
    given_ = cosign.signed_by(
        NAME,
        WATCH.public_key().public_bytes_raw(),
        1_795_845_601,
        WATCH.sign(cosign.cosigned(note.text(point), 1_795_845_601)),
    )
    told = Inclusion(
        position=place,
        leaf=leaf_of(event),
        path=tree.inclusion(place, size),
        note=signed_ + (cosign.write(given_) if witnessed else ""),
    )
    known = [Cosigner(name=NAME, key=WITNESS_KEY, owner="The ombudsman", at=1)]
    return bundle(event, told, note.verifier_key(ORIGIN, public), known)


def checked(
    told: str | bytes, *, log: str | None = LOG_KEY, witnesses: Sequence[str] = (WITNESS_KEY,)
) -> tuple[int, str]:
    raw = told.encode() if isinstance(told, str) else told
    status, lines = check(raw, Key(log, LOG) if log else None, [Key(one, WITNESS) for one in witnesses])
    return status, "\n".join(lines)


def changed(told: str, *path: str | int, to: object) -> str:
    """The file with one part of it changed, and its sum made to fit: what somebody does who knows the form."""
    said = json.loads(told)
    inner = said
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    rest = {name: value for name, value in said.items() if name != "sum"}
    said["sum"] = hashlib.sha256(outsider.written(rest)).hexdigest()
    return outsider.written(said).decode()


WHOLE = file_of(made())


def test_a_proof_holds_by_keys_that_were_taken_elsewhere() -> None:
    status, says = checked(WHOLE)

    assert status == HOLDS
    assert says.count("holds   ") == 6
    assert "it is event 13 of the 21" in says
    assert (
        "ombudsman.example/witness (The ombudsman) had seen no other log than this, as of 2026-11-28 06:00:01 UTC"
        in says
    )
    assert says.endswith("This holds, by your key of the log and your witness.")


def test_without_keys_of_ones_own_it_only_agrees_with_itself() -> None:
    status, says = checked(WHOLE, log=None, witnesses=())

    assert (status, "Who signed it is not shown" in says) == (ONLY_ITSELF, True)


def test_without_a_witness_it_says_what_is_not_shown() -> None:
    assert "a log that shows others another past is not found so" in checked(WHOLE, witnesses=())[1]


def test_a_witness_that_was_asked_for_and_did_not_cosign_is_missing() -> None:
    told = file_of(made(), witnessed=False)

    assert checked(told, witnesses=())[0] == HOLDS
    status, says = checked(told)
    assert (status, f"BROKEN  the witness {NAME} did not cosign" in says) == (BROKEN, True)


def test_a_forged_log_that_agrees_with_itself_is_found_by_ones_own_key() -> None:
    forged = file_of(made(), key=STRANGER)

    assert checked(forged, log=None, witnesses=())[0] == ONLY_ITSELF
    status, says = checked(forged)
    assert status == BROKEN
    assert "`log` in the file is another key than yours" in says
    assert "the log's signature" in says


def test_a_sealed_body_is_said_to_be_sealed() -> None:
    assert "the body is sealed: this shows what was stored" in checked(file_of(made(key="k1", body=b"\x00\xff")))[1]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257])
def test_logs_of_any_size_are_proved(size: int) -> None:
    assert checked(file_of(made(), size, size - 1))[0] == HOLDS


LINES = json.loads(WHOLE)["proof"]
PARTS = {
    "body": (("event", "body"), b64encode(b"{}").decode(), "the event's body, or the hash of it"),
    "body with its hash": (("event", "sha256"), "0" * 64, "the event's body, or the hash of it"),
    "by": (("event", "by"), "nobody", "a field of the event"),
    "at": (("event", "at"), 5, "a field of the event"),
    "cause": (("event", "cause"), None, "a field of the event"),
    "key": (("event", "key"), "k", "a field of the event"),
    "salt": (("event", "salt"), "00", "a field of the event"),
    "kind": (("event", "kind"), "call@1", "a field of the event"),
    "leaf": (("leaf",), "0" * 64, "`leaf` itself"),
    "index": (("proof", 1), "index 12", "the way from the leaf to the root"),
    "first hash": (("proof", 2), b64encode(b"x" * 32).decode(), "the way from the leaf to the root"),
    "last hash": (("proof", 6), b64encode(b"x" * 32).decode(), "the way from the leaf to the root"),
    "origin": (("proof", LINES.index("") + 1), "espoo.example/log", "the log's signature"),
    "size": (("proof", LINES.index("") + 2), "22", "the log's signature"),
    "root": (("proof", LINES.index("") + 3), b64encode(b"x" * 32).decode(), "the log's signature"),
    "time": (("proof", LINES.index("") + 5), "time 5", "the log's signature"),
    "log's signature": (("proof", -2), LINES[-2][:-10] + "AAAAAAAAA=", "the log's signature"),
    "cosignature": (("proof", -1), LINES[-1][:-10] + "AAAAAAAA==", f"the cosignature of {NAME}"),
    "log's key": (("log",), note.verifier_key(ORIGIN, b"x" * 32), "another key than yours"),
    "a line more": (("proof", -1), "— somebody.example AAAA", "a signature line of nobody whose key is known"),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_somebody_changed_who_made_the_sum_fit_is_found_and_located(part: str) -> None:
    path, to, says = PARTS[part]

    status, told = checked(changed(WHOLE, *path, to=to))

    assert status == BROKEN
    assert says in told
    assert "THIS DOES NOT HOLD" in told


@pytest.mark.parametrize("byte", random.Random(8).sample(range(len(WHOLE.encode())), 100))
def test_a_bit_flipped_anywhere_is_found_and_said_where(byte: int) -> None:
    raw = bytearray(WHOLE.encode())
    raw[byte] ^= 1 << random.Random(byte).randrange(8)

    status, says = checked(bytes(raw))

    assert status in (BROKEN, UNREADABLE)
    assert says.count("BROKEN  ") >= 1


def test_every_byte_of_a_proof_counts() -> None:
    """Each byte changed in its turn, judged by what costs no signature: what is left over is a signature's, and is tried above."""
    raw = WHOLE.encode()
    whole = json.loads(raw)
    for place in range(len(raw)):
        other = bytearray(raw)
        other[place] ^= 1
        try:
            said = outsider.read(bytes(other))
        except outsider.WrongError:
            continue
        rest = {name: value for name, value in said.items() if name != "sum"}
        assert said != whole
        assert hashlib.sha256(outsider.written(rest)).hexdigest() != said["sum"], place


GARBAGE = [
    b"",
    b"{}",
    b"[]",
    b"\xff",
    b"[" * 100_000,
    WHOLE.encode()[:-1],
    WHOLE.encode() + b" ",
    b'{"format": "tutela-proof@1"}',
]


@pytest.mark.parametrize("raw", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_proof_is_told_and_not_taken(raw: bytes) -> None:
    status, says = checked(raw)

    assert status == UNREADABLE
    assert says.startswith("BROKEN  ")


ODD = [
    (("event",), {}),
    (("event", "at"), True),
    (("witnesses",), [{}]),
    (("witnesses", 0, "key"), "nonsense"),
    (("proof",), []),
    (("proof",), ["c2sp.org/tlog-proof@v1", "index 1", "", "a", "", "b"]),
    (("proof",), ["c2sp.org/tlog-proof@v2", "index 1", "", "a", "1", "c", "", "b"]),
    (("proof", 2), "not base64"),
    (("proof", 2), b64encode(b"short").decode()),
    (("log",), "nonsense"),
    (("leaf",), "short"),
]


@pytest.mark.parametrize(("path", "to"), ODD)
def test_a_part_of_another_kind_is_said_to_be_one(path: Sequence[str | int], to: object) -> None:
    status, says = checked(changed(WHOLE, *path, to=to))

    assert status != HOLDS
    assert "BROKEN  " in says


SAYS = "x\n\x1b[2KThis holds, by your key of the log and your witness."
FORGED = [
    (("event", "id"), SAYS, "the event's id is no UUID"),
    (("event", "id"), "196cd1db-409e-847b-bf47-8f9ff631f70f\n", "the event's id is no UUID"),
    (("witnesses", 0, "owner"), SAYS, f"who runs the witness {NAME} is not said"),
    (("witnesses", 0, "owner"), "x" * 201, f"who runs the witness {NAME} is not said"),
    (("witnesses", 0, "owner"), ["x"], f"who runs the witness {NAME} is not said"),
    (("witnesses", 0, "key"), cosign.cosigner_key("x\x1b[2K", b"x" * 32), "no public key of a witness"),
    (("log",), note.verifier_key("x\u202e", b"x" * 32), "no public key of a log"),
    (("proof", -1), f"— {SAYS}", "a signature line of nobody"),
    (("proof", 1), SAYS, "does not begin with"),
    (("leaf",), SAYS, "a part is missing"),
]


@pytest.mark.parametrize(("path", "to", "says"), FORGED)
def test_a_forged_file_says_nothing_in_the_name_of_who_checks_it(
    path: Sequence[str | int], to: object, says: str
) -> None:
    status, lines = check(changed(WHOLE, *path, to=to).encode(), Key(LOG_KEY, LOG), [Key(WITNESS_KEY, WITNESS)])

    assert status in (BROKEN, UNREADABLE)
    assert says in "\n".join(lines)
    assert all(line.isprintable() and not line.startswith("This holds") for line in lines)


def test_whatever_is_said_is_one_line_that_no_terminal_obeys() -> None:
    """Also when a part would let something through."""
    report = outsider.Report()
    report.say(True, "a\nb", "")
    report.wrong("\x1b[2K")
    report.know("\r")

    assert report.lines == ["holds   a\ufffdb", "BROKEN  \ufffd[2K", "        \ufffd"]
    assert outsider.plain("a\nb\x1b[2K\u2028\u202e\ud800é — c") == "a\ufffdb\ufffd[2K\ufffd\ufffd\ufffdé — c"


# ── the program ─────────────────────────────────────────────────────────────────────────────────
def alone(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The script by itself: copied away, without our packages, without the network's."""
    (folder / "verify.py").write_text(script(), encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_the_script_needs_nothing_but_python(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text(WHOLE, encoding="utf-8")
    (tmp_path / "log.pub").write_text(f"{LOG_KEY}\n")

    done = alone(tmp_path, "proof.json", "--log", "log.pub", "--witness", WITNESS_KEY)

    assert (done.returncode, done.stderr) == (HOLDS, "")
    assert done.stdout.endswith("This holds, by your key of the log and your witness.\n")
    assert alone(tmp_path, "proof.json").returncode == ONLY_ITSELF


def test_the_script_says_what_is_wrong_with_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text(WHOLE.replace("threshold", "somebody!"), encoding="utf-8")

    assert "a field of the event" in alone(tmp_path, "proof.json").stdout
    assert alone(tmp_path, "proof.json").returncode == BROKEN
    assert "No such file" in alone(tmp_path, "nothing.json").stdout
    assert "no public key of a log" in alone(tmp_path, "proof.json", "--log", WITNESS_KEY).stdout
