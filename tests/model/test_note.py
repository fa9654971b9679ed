"""Checkpoints are written as other transparency logs write them."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.backends.checkpoints import Verifier
from tutela.errors import BadInput
from tutela.model import note
from tutela.model.event import Checkpoint

# The example key and signature of the C2SP signed-note specification.
VERIFIER_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNED = b64decode("Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=")
PUBLIC = b64decode(VERIFIER_KEY.split("+", 2)[2])[1:]

POINT = Checkpoint(
    origin="helsinki.example/log", epoch=1, size=20852163, root=b"r" * 32, at=1_780_000, signature=b"s" * 64
)


def test_the_verifier_key_is_that_of_the_specification() -> None:
    assert note.verifier_key("example.com/foo", PUBLIC) == VERIFIER_KEY


def test_the_specifications_signature_verifies_and_no_other() -> None:
    assert SIGNED[:4].hex() == "530d903a"
    assert Verifier(PUBLIC)(SIGNED[4:], b"This is an example message.\n")
    assert not Verifier(PUBLIC)(SIGNED[4:], b"This is another message.\n")


def test_a_checkpoint_is_signed_text_an_empty_line_and_a_signature() -> None:
    written = note.write(POINT, PUBLIC)

    text, _, signature = written.partition("\n\n")
    assert f"{text}\n".encode() == note.text(POINT)
    assert text.splitlines()[:2] == ["helsinki.example/log", "20852163"]
    assert b64decode(text.splitlines()[2]) == POINT.root
    assert signature.startswith("— helsinki.example/log ")
    assert signature.endswith("\n")


def test_a_note_reads_back_as_the_checkpoint() -> None:
    assert note.read(note.write(POINT, PUBLIC)) == POINT


@pytest.mark.parametrize(
    "changed",
    [
        "",
        "helsinki.example/log\n1\n",
        note.write(POINT, PUBLIC)[:-1],
        note.write(POINT, PUBLIC).replace("20852163", "020852163"),
        note.write(POINT, PUBLIC).replace("— helsinki", "— espoo"),
        note.write(POINT, PUBLIC).replace("epoch 1", "epoch one"),
        note.write(POINT, PUBLIC)[:-2] + "A=\n",
    ],
)
def test_what_is_no_note_of_ours_is_refused_in_words(changed: str) -> None:
    with pytest.raises(BadInput, match="checkpoint"):
        note.read(changed)


def test_an_origin_that_would_break_the_lines_is_refused() -> None:
    with pytest.raises(BadInput, match="space or a plus"):
        note.text(Checkpoint(origin="evil\n999", epoch=1, size=1, root=b"", at=0, signature=b""))


@given(st.binary(min_size=32, max_size=32))
def test_a_public_key_reads_back_from_its_line(public: bytes) -> None:
    line = note.verifier_key("helsinki.example/log", public)

    assert note.read_verifier_key(line) == note.read_verifier_key(f"{line}\n") == public


LINE = note.verifier_key("helsinki.example/log", PUBLIC)


@pytest.mark.parametrize(
    "changed",
    [
        "",
        LINE[:-1],
        LINE.replace("helsinki", "espoo"),
        LINE.replace("+A", "+B", 1),
        LINE.replace("+", " "),
    ],
)
def test_what_is_no_public_key_is_refused_in_words(changed: str) -> None:
    with pytest.raises(BadInput, match="no public key of a log"):
        note.read_verifier_key(changed)
