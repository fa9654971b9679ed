"""The codes are those of the RFC, and each is good around its own time alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.maths.totp import STEP, code, step_of

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, says: str) -> None:
    """Appendix B, its last six digits."""
    assert code(SECRET, seconds // STEP) == says
    assert step_of(SECRET, says, seconds) == seconds // STEP


@given(st.binary(min_size=20, max_size=20), st.integers(5 * STEP, 2**40), st.integers(-5, 5))
def test_a_code_is_good_one_step_early_or_late_and_no_more(secret: bytes, seconds: int, off: int) -> None:
    now = seconds // STEP
    said = code(secret, now + off)
    near = {code(secret, now + other) for other in (-1, 0, 1)}

    assert (step_of(secret, said, seconds) is not None) == (said in near)


@pytest.mark.parametrize("said", ["", "287 082", "2870825", "abcdef", "２８７０８２"])
def test_what_is_no_code_is_wrong(said: str) -> None:
    assert step_of(SECRET, said, 59) is None
