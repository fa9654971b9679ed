"""A rule on recorded days: it tells what it would have told, as the desk would have joined it, and changes nothing."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.flow.stage_support import CENTRE, Every, datastream, entered, known, observed, second_tick, ticked, told

from tutela.backends.memory_keys import MemoryKeys
from tutela.backends.memory_lake import MemoryLake
from tutela.detectors.rule import Rule
from tutela.detectors.threshold import Threshold
from tutela.errors import BadInput
from tutela.flow import hop
from tutela.flow.backtest import Trial, backtest, days
from tutela.flow.detecting import DetectStage
from tutela.flow.tried import Days, Tried
from tutela.maths.cells import cell_of, north_of
from tutela.model.call import Call
from tutela.model.flow import Message
from tutela.model.post import Post
from tutela.model.rule import Condition
from tutela.model.telling import Telling
from tutela.model.when import DAY, HOUR, MINUTE, parse

START = parse("2026-03-28T12:00:00Z")
ZONE = ZoneInfo("Europe/Helsinki")
P1 = 1
"""The partition of datastream 1."""


def call(minute: float, category: str = "Rescue", north: float = 0.0, id_: str = "") -> Call:
    place = north_of(CENTRE, north)
    at = START + round(minute * MINUTE)
    return Call(
        id=id_ or f"{category}@{minute}",
        timeline="live",
        source="112",
        at=at,
        place=place,
        cell=cell_of(place),
        category=category,
    )


class History:
    """Recorded hours: levels of water, and calls, each with the ticks of its hop."""

    def __init__(self) -> None:
        self.observations: list[Message] = []
        self.facts: list[Message] = []

    def level(self, minute: float, value: float) -> History:
        at = START + round(minute * MINUTE)
        self.observations.append(observed(len(self.observations) + 1, "readings", (1, at, value), partition=P1))
        return self

    def told(self, *calls: Telling) -> History:
        for one in calls:
            own = hop.route(one)[0]
            self.facts.append(told(len(self.facts) + 1, one, subject=f"det.live.{own}"))
        return self

    def tick(self, minute: float) -> History:
        at = START + round(minute * MINUTE)
        self.observations.append(ticked(len(self.observations) + 1, at))
        self.facts.append(second_tick(len(self.facts) + 1, at))
        return self

    async def lake(self) -> MemoryLake:
        lake = MemoryLake()
        await lake.archive("OBS-live", self.observations, 0, len(self.observations))
        await lake.archive("DET-live", self.facts, 0, len(self.facts))
        return lake


async def trial(**more: object) -> Trial:
    """A rule: the water is deep, and then somebody calls."""
    deep = Threshold(name="wet/deep", observed_property="pm10", high=50.0, low=40.0)
    said = {
        "name": "wet",
        "purpose": "emergency-response",
        "when": {"sequence": [{"fact": ["wet/deep"]}, {"fact": ["call:Rescue"]}]},
        **more,
    }
    terms = DetectStage((deep,), await known(entered(datastream(1))), MemoryKeys())
    return Trial("wet", terms, (msgspec.convert(said, Rule),), frozenset({"wet", "wet/deep"}))


async def tried(history: History, number: float = 1.0, asked: int = START, **more: object) -> Tried:
    lake = await history.lake()
    return await backtest(lake, await trial(**more), await days(lake, "live", number, asked), 3.0, ZONE)


async def test_terms_are_found_in_what_was_observed_and_met_with_what_was_called() -> None:
    history = History().level(1, 20).level(2, 60).tick(3).told(call(5), call(6, "Police")).level(7, 30).tick(20)

    told_ = await tried(history)

    assert (told_.detections, told_.alerts, told_.shown, told_.minutes) == (1, 1, 1, 3.0)
    assert told_.examples[0].parameters["sorts"] == "wet/deep, call:Rescue"
    assert told_.by_day == {"2026-03-27": 0, "2026-03-28": 1}
    assert (told_.timeline, told_.until - told_.since) == ("live", DAY)
    assert told_.per_day == pytest.approx(1.0)


async def test_only_the_days_that_are_asked_for_are_looked_at() -> None:
    history = History().level(1, 60).tick(3).told(call(5)).tick(HOUR / MINUTE * 3)

    assert (await tried(history, 1.0)).alerts == 1
    assert (await tried(history, 2 / 24)).alerts == 0


@pytest.mark.parametrize("timeline", ["live", "import/old"])
def test_only_the_live_timeline_leaves_out_what_is_past_its_day(timeline: str) -> None:
    one = call(5)
    post = Post(id="p", timeline=timeline, source="feed", at=one.at, place=one.place, cell=one.cell, category="Fire")

    assert Days(timeline, START, START + DAY, START + 60 * DAY).holds(post) is (timeline != "live")


async def test_a_public_post_is_not_looked_at_once_its_day_is_over() -> None:
    """It can't be read any more, and what a rule tells of it would tell of it."""
    one = call(5)
    post = Post(id="p", timeline="live", source="feed", at=one.at, place=one.place, cell=one.cell, category="Fire")
    history = History().told(post, one).tick(20)
    over = post.at + DAY

    assert (await tried(history, asked=over - 1, when={"fact": ["post"]})).alerts == 1
    assert (await tried(history, asked=over, when={"fact": ["post:Fire"]})).alerts == 0
    assert (await tried(history, asked=over, when={"fact": ["call"]})).alerts == 1


async def test_calls_that_were_recorded_before_the_ticks_of_their_time_are_looked_at() -> None:
    """As on an import, and after every backlog: the second hop's ticks come behind."""
    history = History()
    for day in range(5):
        history.told(call(1440 * day + 5))
    for day in range(5):
        history.tick(1440 * (day + 1))

    assert (await tried(history, 3.0, when={"fact": ["call"]})).alerts == 3


async def test_a_day_that_is_short_for_summer_time_is_counted_too() -> None:
    history = History().tick(0).told(call(60 * 14), call(60 * 20)).tick(60 * 36)

    told_ = await tried(history, 1.5, when={"fact": ["call"]}, quiet=60)
    assert told_.by_day == {"2026-03-28": 0, "2026-03-29": 2, "2026-03-30": 0}
    assert sum(told_.by_day.values()) == told_.alerts


async def test_what_was_told_before_the_first_day_counts_neither_for_calls_nor_for_terms() -> None:
    history = History().level(1, 60).tick(50).told(call(55)).tick(100)

    assert (await tried(history, 60 / 1440)).alerts == 0


async def test_alerts_are_counted_as_the_desk_joins_them_and_shown_as_one_operator_is_shown() -> None:
    history = History()
    for place in range(40):
        history.told(call(place * 0.5, north=2000.0 * place))
    history.tick(30)

    one = await tried(history, when={"fact": ["call:Rescue"]})
    joined = await tried(History().told(*(call(n) for n in range(8))).tick(30), when={"fact": ["call"]}, quiet=30)

    assert (one.detections, one.alerts, one.shown) == (40, 40, 4)  # one in ten minutes, of thirty
    assert len(one.examples) == 10
    assert (joined.detections, joined.alerts, joined.shown) == (8, 1, 1)


async def test_an_absence_is_found_at_the_ticks_between_the_facts() -> None:
    history = History().told(call(5)).tick(60)
    absent = {"of": {"fact": ["call:Police"]}, "within": 600}

    (alert,) = (await tried(history, when={"fact": ["call:Rescue"]}, absent=absent)).examples
    assert alert.last == START + 15 * MINUTE
    with_police = History().told(call(5), call(9, "Police")).tick(60)
    assert (await tried(with_police, when={"fact": ["call:Rescue"]}, absent=absent)).alerts == 0


async def test_what_the_rule_itself_told_at_the_time_is_left_out_and_a_fact_sent_twice_counts_once() -> None:
    history = History().level(1, 60).tick(3).told(call(5), call(5)).tick(20)
    lake = await history.lake()
    rule = await trial(when=msgspec.to_builtins(Condition(fact=("call:Rescue",), count=2)))
    on = await days(lake, "live", 1, START)
    assert (await backtest(lake, rule, on, 3.0, ZONE)).alerts == 0

    detection = msgspec.structs.replace(Every().found("live", "1", START, (1,)), type="wet")
    history.told().facts.append(told(len(history.facts) + 1, detection, subject=f"det.live.{hop.route(detection)[0]}"))
    history.tick(30)
    rule = await trial(when={"fact": ["wet"]})
    assert (await backtest(await history.lake(), rule, on, 3.0, ZONE)).alerts == 0


async def test_what_correlation_found_is_for_people_and_not_for_rules() -> None:
    found = Every().found("live", "1", START + 5 * MINUTE, (1,))
    history = History().told(call(5))
    history.facts.append(told(2, found, subject="det.live.desk"))

    assert (await tried(history.tick(20), when={"fact": ["every"]})).alerts == 0


async def test_a_rule_without_terms_reads_no_observations() -> None:
    history = History().told(call(5)).tick(20)
    lake = await history.lake()
    rule = await trial(when={"fact": ["call"]})
    bare = Trial(rule.name, DetectStage((), rule.terms.known, MemoryKeys()), rule.facts, rule.own)

    assert (await backtest(lake, bare, await days(lake, "live", 1, START), 3.0, ZONE)).alerts == 1


async def test_many_messages_are_worked_off_in_turns() -> None:
    history = History()
    for minute in range(600):
        history.level(minute / 10, 60 if minute % 20 == 19 else 30)
    history.tick(61)

    one = await tried(history, when={"fact": ["wet/deep"]}, quiet=1)
    assert one.detections == 30


async def test_of_days_of_which_nothing_is_recorded_nothing_is_told() -> None:
    lake = await History().level(1, 60).tick(3).lake()

    assert (
        await backtest(lake, await trial(), Days("live", START + DAY, START + 2 * DAY, START), 3.0, ZONE)
    ).alerts == 0


async def test_positions_are_not_read_by_terms_that_take_no_personal_data() -> None:
    history = History().level(1, 60).tick(3).told(call(5))
    history.observations.append(observed(3, "positions", (1, START, 0.0), partition=P1))

    assert (await tried(history.tick(20))).alerts == 1


async def test_a_rule_over_the_whole_city_joins_what_neighbourhoods_do_not() -> None:
    history = History().told(call(5), call(6, "Police", north=9000)).tick(20)
    both = {"all": [{"fact": ["call:Rescue"]}, {"fact": ["call:Police"]}]}

    assert (await tried(history, when=both)).alerts == 0
    assert (await tried(history, when=both, per="city")).alerts == 1


async def test_nothing_that_is_recorded_is_nothing_to_try_it_on() -> None:
    with pytest.raises(BadInput, match="nothing is recorded on live"):
        await days(MemoryLake(), "live", 7, START)
