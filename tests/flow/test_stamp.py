"""A bundle of evidence is stamped by somebody else; what they answer is held against what was asked, and without them it is made too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest
from tests.screens.town import Town, town

from tutela.errors import BadInput, EngineDown
from tutela.flow.packing import opened
from tutela.flow.stamp import SHA256, STAMP, STAMPED, answered, request, stamped
from tutela.model.evidence import Handover, Part
from tutela.model.people import Role

DIGEST = sha256(b"x").digest()
NONCE = 0x80
"""Its first bit is set: as a whole number it needs a byte more."""

IMPRINT = b"\x30\x31" + SHA256 + b"\x04\x20" + DIGEST
TOLD = b"\x02\x02\x00\x80"


def der(tag: int, body: bytes) -> bytes:
    """With a long length, as real answers have."""
    return bytes([tag, 0x82]) + len(body).to_bytes(2) + body


def reply(status: int = 0, token: bytes = IMPRINT + TOLD, why: bytes = b"") -> bytes:
    """As an authority answers."""
    said = b"\x02\x01" + bytes([status]) + (der(0x30, der(0x0C, why)) if why else b"")
    return der(0x30, der(0x30, said) + (der(0x30, token) if token else b""))


def test_a_question_is_as_the_standard_has_it() -> None:
    asked = request(DIGEST, NONCE)

    assert asked == b"\x30" + bytes([len(asked) - 2]) + b"\x02\x01\x01" + IMPRINT + TOLD + b"\x01\x01\xff"


@pytest.mark.parametrize("status", [0, 1])
def test_an_answer_to_this_question_is_taken_as_it_is(status: int) -> None:
    assert answered(reply(status), DIGEST, NONCE) == reply(status)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no answer of a time stamping authority"),
        (b"<html>", "no answer of a time stamping authority"),
        (reply()[:-1], "no answer of a time stamping authority"),
        (reply() + b"x", "no answer of a time stamping authority"),
        (der(0x30, b""), "no answer of a time stamping authority"),
        (reply(2, why=b"the queue is full"), "refused it: .*the queue is full"),
        (reply(2, b""), "refused it: status 2"),
        (reply(0, b""), "refused it: status 0"),
        (reply(0, IMPRINT), "stamped something else"),
        (reply(0, TOLD), "stamped something else"),
    ],
)
def test_any_other_answer_is_refused_and_says_why(body: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        answered(body, DIGEST, NONCE)


async def test_who_can_not_be_asked_leaves_a_bundle_that_says_so() -> None:
    async def down(_: bytes) -> bytes:
        raise EngineDown("https://tsa.example can't be asked: it does not answer")

    part = Part(path="a", says="a", body=b"a")

    said, parts = await stamped({"left_out": ["one"]}, [part], down)
    assert said["left_out"] == ["one", "the time stamp: https://tsa.example can't be asked: it does not answer"]
    assert parts == [part]
    assert await stamped({}, [part], None) == ({}, [part])


async def bundle(
    here: Town, asked: list[bytes]
) -> tuple[Mapping[str, object], Mapping[str, bytes], Mapping[str, bytes]]:
    """The manifest and the files of a bundle about an incident, whose stamp is what was asked for, as a real one has it within; and the files of one
    that is derived from it."""
    boss, _ = await here.person(Role.SUPERVISOR, "Ada")
    alert = await here.alert()
    incident = await here.incidents.open_from_alert(here.access(boss), alert.id, "one")
    await here.signed()
    await here.agreement("A court", "R 1")

    async def stamps(digest: bytes) -> bytes:
        asked.append(digest)
        return reply(0, b"\x30\x31" + SHA256 + b"\x04\x20" + digest + b"\x18\x0f20261128120000Z")

    makes = here.evidence
    makes = replace(makes, stamps=stamps)
    handed = Handover(recipient="A court", agreement="R 1", reason="it asked")
    made = await makes.bundle(here.access(boss), incident.id, handed)
    said, bodies = opened(made, makes.key, here.publishing.verifies)
    left = await makes.redacted(here.access(boss), incident.id, handed, made)
    return said, bodies, opened(left, makes.key, here.publishing.verifies)[1]


async def test_what_is_stamped_is_the_manifest_without_the_stamp_and_both_are_files_of_the_bundle() -> None:
    asked = list[bytes]()
    said, bodies, left = await bundle(await town(), asked)

    assert asked == [sha256(bodies[STAMPED]).digest(), sha256(left[STAMPED]).digest()]
    before = json.loads(bodies[STAMPED])
    assert isinstance(said["files"], list)
    assert before == {**said, "files": [one for one in said["files"] if one["path"] not in (STAMPED, STAMP)]}
    assert [one["path"] for one in said["files"]][-2:] == [STAMPED, STAMP]
