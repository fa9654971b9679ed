"""Cosignatures and submissions are written as C2SP writes them, and read back only when they are whole."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model import cosign, note
from tutela.model.cosign import Cosignature, Cosigner, Submission, WitnessNow
from tutela.model.event import Checkpoint
from tutela.model.when import MINUTE

# The example of C2SP's tlog-cosignature: its line, and the first line of the checkpoint under it.
LINE = (
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
# The example of its tlog-witness: what is sent to `add-checkpoint`, up to the checkpoint.
OLD, STEPS = (
    20852014,
    (
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
    ),
)

PUBLIC = bytes(range(32))
POINT = Checkpoint(origin="helsinki.example/log", epoch=1, size=7, root=b"r" * 32, at=1_780_000, signature=b"s" * 64)


def test_the_specifications_cosignature_is_read() -> None:
    found = cosign.read(LINE)

    assert (found.witness, found.key_id.hex(), found.at) == ("witness.example.com/w1", "8d66cf3f", 1679315147)
    assert cosign.write(found) == f"{LINE}\n"


def test_what_is_cosigned_is_a_header_the_time_and_the_whole_text() -> None:
    assert cosign.cosigned(note.text(POINT), 1679315147).decode().splitlines()[:4] == [
        "cosignature/v1",
        "time 1679315147",
        "helsinki.example/log",
        "7",
    ]
    assert cosign.cosigned(note.text(POINT), 1).endswith(note.text(POINT))


def test_the_specifications_submission_is_written_and_read() -> None:
    wanted = Submission(old=OLD, path=tuple(map(b64decode, STEPS)), note=note.write(POINT, PUBLIC))
    body = cosign.submit(wanted)

    assert body.splitlines()[:6] == ["old 20852014", *STEPS, ""]
    assert cosign.submitted(body) == wanted


@given(st.integers(0, 10**17), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_submission_reads_back(old: int, path: list[bytes]) -> None:
    wanted = Submission(old=old, path=tuple(path), note=note.write(POINT, PUBLIC))

    assert cosign.submitted(cosign.submit(wanted)) == wanted


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 1\n",
        "old 01\n\nx",
        "new 1\n\nx",
        "old 1\nshort\n\nx",
        "old 1\nx",
        "old 1\n" + f"{STEPS[0]}\n" * 64 + "\nx",
    ],
)
def test_what_is_no_submission_is_refused_in_words(body: str) -> None:
    with pytest.raises(BadInput, match="tlog-witness"):
        cosign.submitted(body)


@pytest.mark.parametrize(
    "line", ["", LINE[2:], LINE[:-1], LINE.replace("==", "=="[:1] + "A"), f"{LINE} ", LINE.replace(" jW", "  jW")]
)
def test_what_is_no_cosignature_is_refused_in_words(line: str) -> None:
    with pytest.raises(BadInput, match="no cosignature/v1"):
        cosign.read(line)


def test_bits_that_nobody_reads_are_refused() -> None:
    with pytest.raises(BadInput, match="no cosignature/v1"):
        cosign.read(LINE.replace("nA==", "nB=="))


@given(st.binary(min_size=32, max_size=32))
def test_a_witness_key_reads_back_and_is_no_key_of_a_log(public: bytes) -> None:
    key = cosign.cosigner_key("ombudsman.example/witness", public)

    assert cosign.read_cosigner_key(key) == ("ombudsman.example/witness", public)
    with pytest.raises(BadInput, match="no public key of a log"):
        note.read_verifier_key(key)
    with pytest.raises(BadInput, match="no public key of a witness"):
        cosign.read_cosigner_key(note.verifier_key("ombudsman.example/witness", public))


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_name_that_would_break_the_lines_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="space or a plus"):
        cosign.cosigner_key(name, PUBLIC)


def test_a_note_is_opened_with_what_others_say() -> None:
    written = note.write(POINT, PUBLIC) + f"{LINE}\n"

    assert note.opened(written) == (POINT, (LINE,))
    with pytest.raises(BadInput, match="more signatures than its own"):
        note.read(written)


def test_a_note_with_more_signatures_than_anybody_needs_is_refused() -> None:
    with pytest.raises(BadInput, match="no checkpoint"):
        note.opened(note.write(POINT, PUBLIC) + f"{LINE}\n" * 16)


def test_a_note_that_only_others_signed_is_refused() -> None:
    with pytest.raises(BadInput, match="no checkpoint"):
        note.opened(f"{note.text(POINT).decode()}\n{LINE}\n")


def test_the_origin_of_a_log_is_in_its_key() -> None:
    key = note.verifier_key("helsinki.example/log", PUBLIC)

    assert note.origin_of(key) == "helsinki.example/log"
    assert note.decoded_id(key) == ("helsinki.example/log", note.key_id("helsinki.example/log", note.ED25519, PUBLIC))


@pytest.mark.parametrize(
    ("waits", "entered", "late"),
    [(None, 0, False), (0, 0, True), (2 * MINUTE, 0, False), (0, 5 * MINUTE, False)],
)
def test_a_witness_is_late_after_ten_minutes_of_waiting_for_it(waits: int | None, entered: int, *, late: bool) -> None:
    one = Cosigner(name="w", key="k", owner="o", at=entered)

    assert WitnessNow(cosigner=one, size=None, at=None, waits=waits).late(11 * MINUTE) is late


def test_whose_cosignature_it_is_stands_in_its_key_id() -> None:
    made = cosign.signed_by("w", PUBLIC, 5, b"s" * 64)

    assert made == Cosignature(
        witness="w", key_id=note.key_id("w", note.COSIGNATURE, PUBLIC), at=5, signature=b"s" * 64
    )
    assert cosign.read(cosign.write(made)) == made
