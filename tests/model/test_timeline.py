"""Promises of the names of timelines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.errors import BadInput
from tutela.model.timeline import LIVE, timeline_of, token

names = st.from_regex(r"\A[a-z][a-z0-9]*(/[A-Za-z0-9_-]+)?\Z")


def test_a_token_is_the_name_without_its_slash() -> None:
    assert token(LIVE) == "live"
    assert token("import/beijing-air") == "import-beijing-air"


@pytest.mark.parametrize(
    "name", ["", "import-x", "a/b/c", "Live", "live ", "live.>", "import/*", "/x", "import/", "live\n"]
)
def test_a_name_that_could_be_taken_for_another_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no name for a timeline"):
        token(name)


@given(names, names)
def test_two_timelines_never_share_a_token(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (one == other)


@given(names)
def test_a_token_tells_its_timeline(name: str) -> None:
    assert timeline_of(token(name)) == name
