"""A bundle of evidence holds what whoever asks may hand out, with proofs, and says what was left out; handing it out is an event."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.screens.town import LOG_KEY, NOW, ORIGIN, PARTITIONS, WITNESS, WITNESS_KEY, Town, town

from tutela.app.verifying import script
from tutela.backends.outsider import BROKEN, HOLDS, LOG, ONLY_ITSELF, UNREADABLE, Key
from tutela.backends.outsider import WITNESS as COSIGNS
from tutela.backends.outsider_bundle import Bundle, check_bundle, check_file
from tutela.errors import BadInput, EngineDown, NotFound, Refused
from tutela.flow import extract, gathering, hop
from tutela.flow.evidence import Export
from tutela.flow.ledger import Ledger
from tutela.flow.packing import packed, zipped
from tutela.flow.seal import leaf_of
from tutela.model import cosign, note, wire
from tutela.model.access import Access
from tutela.model.evidence import Handover, Part, Piece
from tutela.model.people import Role
from tutela.model.rows import Rows
from tutela.model.when import MINUTE, SECOND

HANDED = Handover(recipient="District court of Helsinki", agreement="R 26/1234", reason="Asked for by Judge Virtanen")
KEY = note.verifier_key(ORIGIN, LOG_KEY.public_key().public_bytes_raw())
WATCH = cosign.cosigner_key(WITNESS, WITNESS_KEY.public_key().public_bytes_raw())
SAID, CALLER, NOTED = "An elderly person fell on the stairs.", "+358 40 0000000", "Spoke to Mrs Korhonen."


class Case:
    """An incident with an alert, a call, a note and telemetry, in a log that a witness cosigned."""

    here: Town
    incident: str
    call: str
    access: Access

    async def begin(self) -> Case:
        self.here = await town()
        agent, _ = await self.here.person(Role.SUPERVISOR, "Aino")
        self.access = self.here.access(agent)
        alert = await self.here.alert()
        opened = await self.here.incidents.open_from_alert(self.access, alert.id, "one")
        self.call = (await self.here.call(SAID)).id
        await self.here.incidents.add_call(self.access, opened.id, self.call, "two")
        self.incident = (await self.here.incidents.note(self.access, opened.id, NOTED, "three")).id
        await self.here.reads.desk.incident(self.access, self.incident)
        await self.measured()
        detection = msgspec.json.encode(self.here.facts.store.detections[alert.detections[0]][0])
        assert b"datastreams" in detection
        await self.here.witnessed()
        await self.here.agreement(HANDED.recipient, HANDED.agreement)
        return self

    async def measured(self) -> None:
        """A value a second for twenty minutes up to now."""
        times = np.arange(NOW - 20 * MINUTE, NOW, SECOND, dtype=np.int64)
        values = {"result": np.round(80 + 10 * np.sin(np.arange(len(times)) / 60), 1)}
        rows = Rows("readings", np.full(len(times), 1, np.int32), times, values)
        await self.here.streams.publish(hop.observed("live", "readings", 1 % PARTITIONS), wire.encode(rows), "m", {})

    async def fused(self, said: str) -> str:
        """Another incident that became part of it."""
        call = await self.here.call(said)
        other = await self.here.incidents.open_from_call(self.access, call.id, "four")
        await self.here.incidents.fuse(self.access, self.incident, other.id, "five")
        await self.here.witnessed()
        return other.id

    async def bundle(self) -> bytes:
        return await self.here.evidence.bundle(self.access, self.incident, HANDED)


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


def checked(raw: bytes, log: str | None = KEY, witnesses: Sequence[str] = (WATCH,)) -> tuple[int, str]:
    status, lines = check_bundle(raw, Key(log, LOG) if log else None, [Key(one, COSIGNS) for one in witnesses])
    return status, "\n".join(lines)


def opened(raw: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    with ZipFile(BytesIO(raw)) as zip_:
        files = {name: zip_.read(name).decode() for name in zip_.namelist()}
    return json.loads(files["manifest.json"]), files


async def test_a_bundle_holds_the_whole_incident_and_proves_each_event(case: Case) -> None:
    raw = await case.bundle()
    status, says = checked(raw)
    said, files = opened(raw)

    assert (status, "BROKEN" in says) == (HOLDS, False)
    assert SAID in files["told.ndjson"]
    assert NOTED in files["incidents.ndjson"]
    assert '"threshold.above"' in files["detections.ndjson"]
    assert {leaf["kind"] for leaf in said["leaves"]} == {"incident@1", "alert@1", "call@1"}
    sealed = {one.event.id: leaf_of(one.event).hex() for one in case.here.facts.store.sealed}
    assert all(sealed[leaf["event"]] == leaf["leaf"] for leaf in said["leaves"])
    assert f"{len(said['leaves'])} events are in the log, each proved by itself" in says
    assert "The ombudsman of the town) had seen no other log than this" in says
    assert said["recipient"] == HANDED.recipient
    assert said["asked"]["purpose"] == "public-safety"


async def test_telemetry_is_there_around_what_was_detected_minute_by_minute(case: Case) -> None:
    said, files = opened(await case.bundle())
    (told,) = (one for one in said["files"] if one["path"].startswith("telemetry/"))
    lines = [json.loads(line) for line in files[told["path"]].splitlines()]

    since, until = NOW - 95 * SECOND - 10 * MINUTE, NOW
    assert len(lines) == (until - since) // SECOND
    assert lines[0]["datastream"] == "Railway Square mast 1/noise"
    assert lines[0]["phenomenonTime"] == "2026-11-25T07:48:25.000000Z"
    assert [piece["of"] for piece in told["pieces"]] == [f"2026-11-25T07:{minute}Z" for minute in range(48, 60)]
    assert sum(piece["bytes"] for piece in told["pieces"]) == told["bytes"]


async def test_handing_it_out_is_an_event_with_its_hash_and_the_reason_is_sealed(case: Case) -> None:
    raw = await case.bundle()
    (event,) = case.here.events("export@1")
    told = msgspec.json.decode(event.body, type=Export)

    assert told.sha256 == hashlib.sha256(raw).hexdigest()
    assert (told.recipient, told.agreement, told.parent) == (HANDED.recipient, HANDED.agreement, None)
    assert set(told.persons) == {case.incident, case.call}
    assert event.subject == case.incident
    assert b"Virtanen" not in event.body


async def test_the_chain_of_custody_tells_who_looked_and_who_handed_out(case: Case) -> None:
    first = await case.bundle()
    await case.here.signed()
    _, files = opened(await case.bundle())
    chain = [json.loads(line) for line in files["custody.ndjson"].splitlines()]

    assert [one["kind"] for one in chain] == ["query@1", "export@1"]
    assert chain[0]["body"]["query"] == f"incident {case.incident}"
    assert chain[1]["body"]["sha256"] == hashlib.sha256(first).hexdigest()
    assert chain[1]["body"]["reason"] == HANDED.reason
    assert chain[1]["by"] == case.access.agent.id


async def test_the_same_ask_at_the_same_moment_of_the_log_gives_the_same_bytes(case: Case) -> None:
    """The log as it was: the first ask is a link of the chain of custody for the next."""
    first = await case.bundle()
    (event,) = case.here.events("export@1")
    del case.here.facts.store.events[event.id]

    assert await case.bundle() == first


async def test_an_operator_a_stranger_to_the_duty_and_another_agency_may_not_hand_it_out(case: Case) -> None:
    for role, agency in ((Role.OPERATOR, "city"), (Role.AUDITOR, "city"), (Role.ANALYST, "city")):
        agent, _ = await case.here.person(role, "Eino", agency)
        with pytest.raises(Refused):
            await case.here.evidence.bundle(case.here.access(agent), case.incident, HANDED)

    assert len(case.here.events("refusal@1")) == 3
    assert case.here.events("export@1") == []


@pytest.mark.parametrize("missing", ["recipient", "agreement", "reason"])
async def test_nothing_leaves_without_a_recipient_an_agreement_and_a_reason(case: Case, missing: str) -> None:
    with pytest.raises(BadInput, match=missing):
        await case.here.evidence.bundle(case.access, case.incident, msgspec.structs.replace(HANDED, **{missing: "  "}))


async def test_what_may_not_leave_is_left_out_and_named(case: Case) -> None:
    """A call that another agency took may be read by a joint case, and not handed out."""
    entry = case.here.known.sources["calls"]
    case.here.known.admission.sources["calls"] = msgspec.structs.replace(entry, agency="fire")  # type: ignore[index]

    said, files = opened(await case.bundle())

    assert SAID not in files["told.ndjson"]
    assert any(f"call-contents {case.call}" in one for one in said["left_out"])


async def test_an_erased_call_is_left_out_and_its_leaf_stays(case: Case) -> None:
    event = await case.here.facts.telling(case.call)
    await case.here.keys.destroy(event.key or "")

    raw = await case.bundle()
    said, _ = opened(raw)

    assert any("erased" in one for one in said["left_out"])
    assert case.call in {leaf["event"] for leaf in said["leaves"]}
    assert checked(raw)[0] == HOLDS


async def test_an_event_that_no_checkpoint_has_yet_is_named(case: Case) -> None:
    await case.here.incidents.note(case.access, case.incident, "Just now.", "four")

    said, _ = opened(await case.bundle())

    assert any("no checkpoint has it yet" in one for one in said["left_out"])


async def test_what_is_not_written_down_does_not_leave(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(events: object) -> None:
        del events
        raise EngineDown("PostgreSQL does not answer: this failure was asked for")

    monkeypatch.setattr(case.here.facts, "append", down)
    with pytest.raises(Refused, match="written down first"):
        await case.bundle()


async def test_there_is_no_evidence_of_an_incident_that_there_is_not(case: Case) -> None:
    with pytest.raises(NotFound):
        await case.here.evidence.bundle(case.access, "nothing", HANDED)


# ── redacted ────────────────────────────────────────────────────────────────────────────────────
async def test_a_redacted_bundle_leaves_out_what_is_about_people_and_names_its_parent(case: Case) -> None:
    parent = await case.bundle()
    raw = await case.here.evidence.redacted(case.access, case.incident, HANDED, parent)
    said, files = opened(raw)
    whole = "".join(files.values())

    assert all(word not in whole for word in (SAID, CALLER, NOTED))
    assert said["parent"]["sha256"] == hashlib.sha256(parent).hexdigest()
    assert said["leaves"] == opened(parent)[0]["leaves"]
    assert checked(raw)[0] == HOLDS
    assert check_bundle(raw, Key(KEY, LOG), [], parent)[0] == HOLDS
    assert check_bundle(raw, Key(KEY, LOG), [], parent + b"x")[0] == BROKEN
    bodies = [json.loads(text)["event"] for name, text in files.items() if name.startswith("events/")]
    assert all(event["body"] is None for event in bodies if event["key"] is not None)
    told = [msgspec.json.decode(event.body, type=Export) for event in case.here.events("export@1")]
    assert [one.parent for one in told] == [None, said["parent"]["sha256"]]


async def test_only_an_original_of_this_log_about_this_incident_is_redacted(case: Case) -> None:
    parent = await case.bundle()
    derived = await case.here.evidence.redacted(case.access, case.incident, HANDED, parent)
    changed = bytearray(parent)
    changed[parent.index(b"Railway")] ^= 1
    for raw in (b"", b"nonsense", bytes(changed), derived):
        with pytest.raises(BadInput):
            await case.here.evidence.redacted(case.access, case.incident, HANDED, raw)


async def test_what_was_fused_into_it_leaves_with_it(case: Case) -> None:
    other = await case.fused("Another fell.")
    _, files = opened(await case.bundle())

    assert other in files["incidents.ndjson"]
    assert "Another fell." in files["told.ndjson"]


@pytest.mark.parametrize(
    ("denied", "says"),
    [
        ({"incidents"}, "incident "),
        ({"alerts"}, "alert "),
        ({"readings"}, "telemetry of Railway Square mast 1/noise"),
        ({"calls", "call-contents"}, "calls "),
    ],
    ids=lambda one: "" if isinstance(one, str) else min(one),
)
async def test_each_thing_is_decided_by_itself(
    case: Case, monkeypatch: pytest.MonkeyPatch, denied: set[str], says: str
) -> None:
    may = Ledger.may
    await case.fused("Another fell.")
    monkeypatch.setattr(Ledger, "may", lambda self, asked: asked.record_class not in denied and may(self, asked))
    said, _ = opened(await case.bundle())

    assert [one for one in said["left_out"] if one.startswith(says) and "the policies do not let" in one]


async def test_what_there_is_too_much_of_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "ROWS", 10)
    monkeypatch.setattr(gathering, "LOOKS", 1)
    said, files = opened(await case.bundle())
    monkeypatch.setattr(extract, "STREAMS", 0)
    without, _ = opened(await case.bundle())

    (path,) = (one["path"] for one in said["files"] if one["path"].startswith("telemetry/"))
    assert len(files[path].splitlines()) == 10
    assert "looks at the incident before the newest 1" in said["left_out"]
    assert [one for one in said["left_out"] if "what comes after the first 10 values" in one]
    assert "telemetry of 1 more datastreams than 0" in without["left_out"]


async def test_a_detection_may_rest_on_facts_that_nobody_told(case: Case) -> None:
    (id_, revisions), *_ = case.here.facts.store.detections.items()
    case.here.facts.store.detections[id_] = {0: msgspec.structs.replace(revisions[0], facts=("nobody",))}

    assert checked(await case.bundle())[0] == HOLDS


async def test_where_people_were_is_left_out_of_what_is_redacted(case: Case) -> None:
    sources = case.here.facts.store.sources
    sources["sensors"] = msgspec.structs.replace(sources["sensors"], personal_data=True)
    await case.here.known.refresh()
    parent = await case.bundle()
    said, files = opened(await case.here.evidence.redacted(case.access, case.incident, HANDED, parent))

    assert [one for one in said["left_out"] if "redacted, it tells where people were" in one]
    assert [name for name in opened(parent)[1] if name.startswith("telemetry/")]
    assert not [name for name in files if name.startswith("telemetry/")]


@pytest.mark.parametrize("changed", ["told.ndjson", "manifest.note"], ids=["a file", "the signature"])
async def test_a_bundle_with_something_else_in_it_is_not_redacted(case: Case, changed: str) -> None:
    with ZipFile(BytesIO(await case.bundle())) as zip_:
        files = [(name, zip_.read(name)) for name in zip_.namelist()]
    assert changed in {name for name, _ in files}
    forged = zipped([(name, b"nonsense" if name == changed else body) for name, body in files])

    with pytest.raises(BadInput):
        await case.here.evidence.redacted(case.access, case.incident, HANDED, forged)


async def test_what_would_become_larger_than_it_came_is_not_unpacked(case: Case) -> None:
    large = BytesIO()
    with ZipFile(large, "w", ZIP_DEFLATED) as into:
        into.writestr("manifest.json", b"0" * 50_000_000)

    with pytest.raises(BadInput, match="packed otherwise than in any bundle of ours"):
        await case.here.evidence.redacted(case.access, case.incident, HANDED, large.getvalue())


# ── checked by somebody else ────────────────────────────────────────────────────────────────────
async def test_a_hundred_flipped_bits_are_found_and_located(case: Case) -> None:
    raw = await case.bundle()
    bundle, chance = Bundle(raw), random.Random(26)
    for place in chance.sample(range(len(raw)), 100):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << chance.randrange(8)

        status, says = checked(bytes(flipped))

        assert status in (BROKEN, UNREADABLE), place
        assert where(bundle, place) in says, (place, says)


@pytest.mark.parametrize("part", ["manifest.json", "manifest.note", "custody.ndjson", "events/", "the zip's"])
async def test_a_flipped_bit_of_each_sort_of_part_is_located(case: Case, part: str) -> None:
    raw = await case.bundle()
    bundle, place = Bundle(raw), 0
    for name, body in bundle.written():
        for offset in (0, len(body) // 2, len(body) - 1) if name.startswith(part) else ():
            flipped = bytearray(raw)
            flipped[place + offset] ^= 1

            status, says = checked(bytes(flipped))

            assert status in (BROKEN, UNREADABLE), (name, offset)
            assert where(bundle, place + offset) in says, (name, offset, says)
        place += len(body)


def where(bundle: Bundle, place: int) -> str:
    """What must be named when the byte at that place was changed: the part, and of telemetry the minute."""
    for name, body in bundle.written():
        if place < len(body):
            for told in bundle.said["files"]:
                for piece in told["pieces"] if told["path"] == name else ():
                    if place < piece["bytes"]:
                        return f"{name}, piece {told['pieces'].index(piece) + 1} ({piece['of']})"
                    place -= piece["bytes"]
            return name
        place -= len(body)
    raise AssertionError("the file is shorter than that")


async def test_a_bundle_of_another_log_is_refused(case: Case) -> None:
    raw = await case.bundle()
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key().public_bytes_raw()

    for key in (note.verifier_key(ORIGIN, other), note.verifier_key("tutela/another", other)):
        status, says = checked(raw, key)
        assert (status, "a bundle of another log than yours" in says) == (BROKEN, True)
    assert checked(raw, None, ())[0] == ONLY_ITSELF


async def test_a_proof_of_another_event_in_the_place_of_one_is_found(case: Case) -> None:
    """Somebody who holds the log's key put another event's proof under an event's name."""
    raw = await case.bundle()
    said, files = opened(raw)
    said["leaves"][0]["event"], said["leaves"][1]["event"] = said["leaves"][1]["event"], said["leaves"][0]["event"]
    forged = await repacked(case, said, files)

    status, says = checked(forged)

    assert (status, says.count("it proves another event than the manifest says")) == (BROKEN, 2)


async def repacked(case: Case, said: dict[str, Any], files: dict[str, str]) -> bytes:
    parts = [
        Part(
            path=one["path"],
            says=one["says"],
            body=files[one["path"]].encode(),
            personal=one["personal"],
            pieces=tuple(Piece(**piece) for piece in one["pieces"]),
        )
        for one in said.pop("files")
    ]
    del said["log"]
    return await packed(said, parts, KEY, case.here.evidence.signs)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"x" * 100, b"PK\x03\x04" + b"\n" * 100, b"[" * 100_000])
def test_what_is_no_bundle_is_told_and_not_taken(raw: bytes) -> None:
    status, says = checked(raw)

    assert (status, says.startswith("BROKEN  ")) == (UNREADABLE, True)


async def test_the_script_alone_checks_a_bundle(case: Case, tmp_path: Path) -> None:
    raw = await case.bundle()
    (tmp_path / "verify.py").write_text(script(), encoding="utf-8")
    (tmp_path / "bundle.zip").write_bytes(raw)
    command = [sys.executable, "-I", "-S", "verify.py", "bundle.zip", "--log", KEY, "--witness", WATCH]

    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (HOLDS, "")
    assert done.stdout.endswith("This holds, by your key of the log and your witness.\n")
    assert check_file(raw, Key(KEY, LOG), [])[0] == HOLDS
