"""What stands by the log is told by its own kinds of events: one of another kind, about the same, changes nothing."""

from __future__ import annotations

import pytest

from tutela.model import case, glass, handling
from tutela.model.event import Event


def stranger(subject: str) -> Event:
    return Event(
        id="e", at=1, by="x", cause=None, kind="locked-out@1", timeline="live", body=b'{"agent":null}', subject=subject
    )


@pytest.mark.parametrize("subject", ["break-glass", "cases"])
def test_an_event_of_another_kind_breaks_no_fold(subject: str) -> None:
    told = [stranger(subject)]

    assert glass.glasses(told) == {}
    assert case.newest(told) == ()
    assert handling.standing(told) == {}
