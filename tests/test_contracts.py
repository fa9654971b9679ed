"""What every part promises, tried on all that are found. One that is added is tested the day it lands, from a package or from the room."""

from __future__ import annotations

from tutela import parts
from tutela.model.when import HOUR
from tutela_promises import detector, source
from tutela_promises.examples import made
from tutela_promises.quality import believes
from tutela_promises.stage import play, seens
from tutela_promises.streams import stream, world

TestDetectors = detector(*parts.names("detectors"))
TestSources = source(*parts.names("sources"))


def test_some_find_something_at_ticks() -> None:
    """So it is no empty promise that nothing is found at a tick in what is doubted."""
    found = {
        name
        for name in parts.names("detectors")
        if believes(made(name))
        for each in play(made(name), seens(world(made(name)), stream(made(name), 1)))
        if each.at % HOUR == 0
    }

    assert found >= {"crowding_positions", "drifting", "threshold"}
