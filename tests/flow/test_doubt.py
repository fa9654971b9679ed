"""Promises about what is not believed: the others don't see it, wherever a batch is cut, and the log says from when to when."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.flow.stage_support import Doubter, Every, _State, observed, ticked
from tests.flow.test_detect import FIVE, NINE, ONE, Stage, alone, keys, run

from tutela.errors import BadInput
from tutela.flow.detect import Detect
from tutela.flow.doubt import Believed
from tutela.flow.stage import Where
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.flow import Effects, Message
from tutela.model.seen import Seen
from tutela.model.when import SECOND

GOOD, BAD, SO_SO = 0.0, 2.0, 1.0
"""Not doubted; doubted; and doubted where the one before it was."""


def readings(sequence: int, *results: tuple[int, float], of: int = ONE) -> Message:
    """Results of one datastream, each with its second."""
    return observed(sequence, "readings", *((of, second * SECOND, result) for second, result in results))


def seen_by(name: str, effects: Effects) -> list[int]:
    """The seconds of the rows that this detector found, at no tick."""
    return [found.at // SECOND for found in effects.detections if found.type == name and "/" in found.key]


def ends(effects: Effects) -> list[tuple[Event, Believed]]:
    events = [event for event in effects.events if event.kind == "believed@1"]
    return [(event, msgspec.json.decode(event.body, type=Believed)) for event in events]


SEES = Every(name="sees", nth=1)
HEARS = Every(name="hears", nth=1, doubted=True)
WAITS = Every(name="waits", nth=1, lateness=5.0)


def test_from_the_doubted_row_on_until_one_that_is_not_the_others_see_nothing() -> None:
    effects = alone(
        Stage((SEES, Doubter(), HEARS)).effects(
            [readings(3, (1, GOOD), (2, BAD), (3, SO_SO), (4, GOOD)), readings(4, (1, SO_SO), (2, SO_SO), of=FIVE)]
        )
    )

    assert seen_by("sees", effects) == [1, 4, 1, 2]
    assert seen_by("hears", effects) == [1, 2, 3, 4, 1, 2]
    assert [found.at // SECOND for found in effects.detections if found.type == "doubter"] == [2]


def test_the_log_says_from_when_to_when_it_was_not_believed_and_how_many_rows_were_withheld() -> None:
    effects = alone(Stage((SEES, Doubter())).effects([readings(3, (2, BAD), (3, SO_SO)), readings(5, (4, GOOD))]))
    [(event, body)] = ends(effects)

    assert body == Believed(datastream=ONE, since=2 * SECOND, until=4 * SECOND, rows=2)
    assert (event.at, event.by, event.cause, event.subject) == (4 * SECOND, "detect", "OBS-live:5", str(ONE))


def test_each_doubt_has_an_end_of_its_own() -> None:
    rows = [readings(1, (1, BAD), (2, GOOD), (3, BAD), (4, GOOD))]
    told = ends(alone(Stage((Doubter(),)).effects(rows)))

    assert [body.since // SECOND for _, body in told] == [1, 3]
    assert len({event.id for event, _ in told}) == 2


def test_what_is_told_of_the_moment_of_a_doubted_row_after_it_is_not_believed_either() -> None:
    rows = [(1, GOOD), (1, BAD), (1, 0.5), (2, GOOD)]
    cut = [readings(number, row) for number, row in enumerate(rows, 1)]

    for messages in ([readings(1, *rows)], cut):
        effects = alone(Stage((SEES, Doubter())).effects(messages))

        assert seen_by("sees", effects) == [1, 2]
        assert [body.rows for _, body in ends(effects)] == [2]


def test_a_row_is_doubted_when_any_who_judges_says_so() -> None:
    stage = Stage((SEES, Doubter(high=3.0, name="lax"), Doubter(), Doubter(name="another", needs=("people",))))

    assert seen_by("sees", alone(stage.effects([readings(1, (1, BAD), (2, 3.0), (3, SO_SO), (4, GOOD))]))) == [4]


def test_a_datastream_of_another_property_is_not_touched() -> None:
    counts = observed(2, "counts", (NINE, 1, 5), (NINE, 2, 5))
    effects = alone(Stage((SEES, Doubter(needs=("pm10",)))).effects([readings(1, (1, BAD)), counts]))

    assert keys(effects) == ["1?0", "9/1", "9/2"]


def test_who_waits_for_late_rows_gets_nothing_that_was_doubted_when_it_came() -> None:
    """The row of second 3 comes out of order while it is doubted, that of second 6 when it is believed again."""
    rows = [
        readings(1, (2, GOOD)),
        readings(2, (4, BAD), (3, GOOD), (7, GOOD), (6, GOOD)),
        ticked(3, 60 * SECOND),
    ]

    assert seen_by("waits", alone(Stage((WAITS, Doubter())).effects(rows))) == [2, 6, 7]


def test_what_comes_out_of_order_first_of_all_in_a_batch_is_doubted_if_its_datastream_was() -> None:
    rows = [readings(1, (4, BAD)), ticked(2, SECOND), readings(3, (3, GOOD)), ticked(4, 60 * SECOND)]

    assert seen_by("waits", alone(Stage((WAITS, Doubter())).effects(rows))) == []


def test_a_doubted_row_that_is_sent_again_when_all_is_well_does_not_get_in() -> None:
    rows = [readings(1, (1, GOOD), (2, BAD), (3, GOOD)), readings(2, (2, BAD)), ticked(3, 60 * SECOND)]

    for cuts in ([], [1], [1, 2]):
        assert seen_by("waits", alone(Stage((WAITS, Doubter())).effects(rows))) == [1, 3]
        assert alone(run(rows, cuts, resume=True)) == alone(run(rows, [], resume=False))


class Asks(Every, frozen=True, kw_only=True):
    """Finds at a tick whom it may not tell about."""

    def at_tick(self, slots: dict[int, object], seen: Seen) -> list[Detection]:  # type: ignore[override]  # noqa: ARG002  it keeps none
        assert seen.tick is not None
        told = "nobody" if seen.doubted is None else " ".join(map(str, seen.doubted.tolist()))
        return [self.found(seen.timeline, told, seen.tick, ())]


def test_at_a_tick_everybody_is_told_who_is_doubted() -> None:
    rows = [
        ticked(1, SECOND),
        readings(2, (2, BAD)),
        readings(3, (2, BAD), of=FIVE),
        ticked(4, 3 * SECOND),
        readings(5, (4, GOOD)),
        ticked(6, 5 * SECOND),
    ]

    effects = alone(Stage((Asks(name="asks", nth=99), Doubter())).effects(rows))

    assert [found.key for found in effects.detections if found.type == "asks"] == ["nobody", "0 1", "1"]


class Late(Doubter, frozen=True, kw_only=True):
    """Would judge what is long over."""


def test_who_judges_can_not_wait_for_late_rows() -> None:
    with pytest.raises(
        BadInput, match="late judges quality, so it can't wait for late rows; set its card's lateness to 0"
    ):
        Detect([Late(name="late", lateness=5.0)], Where("live", "detect", 1, "OBS-live"))


def test_nothing_is_copied_while_nobody_is_doubted() -> None:
    """The arrays that a detector sees are those that came."""
    shared: list[bool] = []

    class Same(Every, frozen=True, kw_only=True):
        def in_rows(self, slots: dict[int, object], seen: Seen) -> list[Detection]:  # type: ignore[override]  # noqa: ARG002  it keeps none
            assert seen.rows is not None
            shared.append(np.shares_memory(seen.rows.time, judged[-1]))
            return []

    judged: list[np.typing.NDArray[np.int64]] = []

    class Looks(Doubter, frozen=True, kw_only=True):
        def judge(self, state: _State, seen: Seen) -> tuple[_State, tuple[Detection, ...], None]:
            assert seen.rows is not None
            judged.append(seen.rows.time)
            return state, (), None

    alone(Stage((Same(name="same"), Looks())).effects([readings(1, (1, GOOD), (2, GOOD))]))

    assert shared == [True]
