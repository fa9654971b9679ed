"""Promises of dead letters that are sent again."""

from __future__ import annotations

import pytest

from tutela.model.dead_letter import AGAIN, DeadLetter, was

ID = "4c8a0f5e-6d0e-4a51-9d43-0e3c0c1f8a11"


def test_a_message_that_is_sent_again_tells_which_letter_it_was() -> None:
    letter = DeadLetter(
        id=ID, source="s", at=1, reason="r", says="w", body=b"", headers={"Schema": "readings@1"}, tries=2
    )

    assert letter.again == {"Schema": "readings@1", AGAIN: f"{ID} 2"}
    assert was(letter.again) == (ID, 2)


@pytest.mark.parametrize("told", ["", ID, f"{ID} 0", f"{ID} 1\n", "x 1", f"{ID} -1", f"{ID.upper()} 1"])
def test_what_is_no_letter_s_name_names_none(told: str) -> None:
    assert was({AGAIN: told}) is None
    assert was({}) is None
