"""Promises of the words: every alert says why, in plain words with units, and what would have kept it silent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from string import Formatter
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.flow.act_support import room

from tutela import parts
from tutela.backends.memory_facts import MemoryFacts
from tutela.errors import PartMissing
from tutela.flow.catalogue import Known
from tutela.flow.explain import Language, Parameters, Sentences
from tutela.model.alert import Alert
from tutela.model.detection import Detection
from tutela.model.event import Event
from tutela.model.register import Source, Thing
from tutela.model.scales import Scale
from tutela.model.when import parse
from tutela.model.why import Apart, Change, Fewer, HadCome, Moved, ValueWas, Why
from tutela.screens.sentences import language
from tutela_promises.examples import items_of, made, world_of
from tutela_promises.stage import World, play, seens

ENGLISH = language()
HELSINKI = ZoneInfo("Europe/Helsinki")
AT = parse("2026-11-25T08:00:12Z")
SIDES = ("above", "below")


async def known() -> Known:
    """A register with two lamps that measure air."""
    facts = MemoryFacts()
    source = Source(
        name="lamps",
        owner="city",
        kind="sensors",
        purposes=("environment",),
        legal_basis="PublicInterest",
        personal_data=False,
        place="Helsinki",
    )
    event = Event(id="e", at=AT, by="it", cause=None, kind="source@1", timeline="live", body=b"")
    await facts.enter(source, event)
    things = [Thing(id=0, name=f"street-lamp {n}", kind="lamp", source="lamps") for n in (1, 2)]
    lamp = next(iter(World(property="pm25", size=1).catalogue().by_id.values()))
    streams = [
        msgspec.structs.replace(lamp, name=f"{thing.name}/{what}", thing=thing.name, source="lamps", unit="µg/m³")
        for thing in things
        for what in ("pm25", "pm10")
    ]
    await facts.define(things, streams)
    register = Known(facts, 4)
    await register.refresh()
    return register


@pytest.fixture(name="says")
async def _says() -> Sentences:
    return Sentences(ENGLISH, await known(), HELSINKI)


def detection(unless: Change, message: str = "threshold.above", inputs: Parameters | None = None) -> Detection:
    return Detection(
        id="d1",
        timeline="live",
        detector="threshold",
        version=1,
        options="00",
        type="smoke",
        key="1",
        since=AT,
        at=AT,
        place=None,
        cell=0,
        scale=Scale(),
        confidence=1.0,
        purpose="environment",
        why=Why(message=message, inputs=dict(inputs or {}), unless=unless),
        datastreams=(1,),
    )


LEVEL: Parameters = {"observed_property": "pm25", "unit": "µg/m³", "result": 260.04, "high": 225.5, "hold": 0.0}
VALUE = ValueWas(datastream=1, time=AT, column="result", was=260.04, would=225.5)


RARE = {"tested", "as_far"}
"""What a detector with a budget of false alarms tells besides."""

# ── every message has words ─────────────────────────────────────────────────────────────────────────


def messages(tree: ast.AST) -> Iterator[str]:
    """The ids in `Why(message=…)`: whole ones, and those that end in a side."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Why":
            (message,) = (word.value for word in node.keywords if word.arg == "message")
            for part in ast.walk(message):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from [part.value] if part.value[-1] != "." else [part.value + side for side in SIDES]


@pytest.mark.parametrize("name", parts.names("detectors"))
def test_every_message_of_a_detector_has_a_sentence_in_every_language(name: str) -> None:
    source = (files("tutela.detectors") / f"{name}.py").read_text()
    found = {message for message in messages(ast.parse(source)) if "." in message}

    assert found
    assert found <= ENGLISH.sentences.keys()


@pytest.mark.parametrize("name", parts.names("detectors"))
def test_a_sentence_uses_no_parameter_that_its_detector_does_not_tell(name: str) -> None:
    """The firing example of each card, and both sides of what has two. What is rare is told by how rare it is."""
    detector = made(name)
    world = world_of(detector.card)
    (found, *_) = play(detector, seens(world, items_of(detector.card.fires)))

    begin = found.why.message.partition(".")[0]
    for message, template in ENGLISH.sentences.items():
        if message.startswith(f"{begin}."):
            used = {field for _, field, _, _ in Formatter().parse(template) if field}
            assert used <= found.why.inputs.keys() | {"where"} | (RARE if "-rare" in message else set())


@pytest.mark.parametrize("name", parts.names("detectors"))
async def test_what_a_detector_finds_is_said_in_words(name: str, says: Sentences) -> None:
    detector = made(name)
    (found, *_) = play(detector, seens(world_of(detector.card), items_of(detector.card.fires)))

    assert found.why.message not in says.why(found)
    assert says.unless(found).startswith("It would not have fired")
    assert "{" not in says.why(found) + says.unless(found)


def test_a_language_that_is_not_there_is_missed_aloud() -> None:
    with pytest.raises(PartMissing, match="there are: en"):
        language("tlh")


# ── the words ───────────────────────────────────────────────────────────────────────────────────────


def test_a_detection_says_why_with_names_and_units(says: Sentences) -> None:
    found = detection(VALUE, inputs=LEVEL)
    held = detection(VALUE, inputs={**LEVEL, "hold": 90.0})

    assert says.why(found) == "street-lamp 1: pm25 is 260.04 µg/m³, above 225.5 µg/m³."
    assert says.why(detection(VALUE, inputs={**LEVEL, "unit": "1"})) == "street-lamp 1: pm25 is 260.04, above 225.5."
    assert says.why(held) == "street-lamp 1: pm25 is 260.04 µg/m³, above 225.5 µg/m³ for 1 min 30 s or longer."
    still = detection(VALUE, "passed.above", {**LEVEL, "low": 200.0, "result": 210.0})
    assert says.why(still).endswith(" pm25 went above 225.5 µg/m³ and has not come back to 200 µg/m³; it is 210 µg/m³.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (VALUE, "if street-lamp 1 had told 225.5 µg/m³ at 2026-11-25 10:00:12, and not 260.04 µg/m³."),
        (ValueWas(datastream=9, time=AT, column="result", was=3, would=2), "if datastream 9 had told 2 at"),
        (
            HadCome(datastream=1, last=AT, time=AT + 10**6),
            "had been made, at 2026-11-25 10:00:13. The last one was made at 2026-11-25 10:00:12.",
        ),
        (Fewer(by=2, of=("a", "b", "c")), "with 2 fewer of the 3 that it counted."),
        (Fewer(by=2, of=()), "with 2 fewer of those that it counted, whoever they are."),
        (Fewer(by=2, of=("a", "b")), "without 2 of them, of the sort call."),
        (Apart(fact="a", metres=250.4), "if one of them had been 250 m further away."),
        (
            Moved(datastream=1, time=AT, metres=120.0),
            "if street-lamp 1 had been up to 120 m further at 2026-11-25 10:00:12.",
        ),
    ],
)
def test_a_detection_says_what_would_have_kept_it_silent(change: Change, said: str, says: Sentences) -> None:
    found = detection(change, inputs={"rarest": "call"})

    assert said in says.unless(found)
    assert says.unless(found).startswith("It would not have fired ")


async def alert(**changes: object) -> Alert:
    plain = await room().alert(message="threshold.above", parameters=LEVEL, datastreams=(1,), since=AT)
    return msgspec.structs.replace(plain, **changes)


async def test_an_alert_says_why_how_often_and_whether_it_is_simulated(says: Sentences) -> None:
    once = "street-lamp 1: pm25 is 260.04 µg/m³, above 225.5 µg/m³."

    assert says.alert(await alert()) == once
    assert says.alert(await alert(count=6)) == f"{once} 6 times since 2026-11-25 10:00:12."
    assert (
        says.alert(await alert(count=6, sources=("lamps", "trams"), simulated=True))
        == f"{once} 6 times since 2026-11-25 10:00:12, from 2 sources. This is simulated."
    )


async def test_several_things_are_named_by_the_first_and_each_once(says: Sentences) -> None:
    assert says.alert(await alert(datastreams=(1, 2))).startswith("street-lamp 1: ")
    assert says.alert(await alert(datastreams=(1, 3, 99))).startswith("street-lamp 1 and 2 more: ")


async def test_what_the_language_does_not_know_is_told_all_the_same(says: Sentences) -> None:
    assert says.alert(await alert(message="old.message", parameters={"b": 2, "a": 1})) == "old.message: a 1, b 2"
    assert says.alert(await alert(parameters={"high": 3})) == "threshold.above: high 3"


@pytest.mark.parametrize(
    ("template", "value", "said"),
    [
        ("{x:number}", 61.0, "61"),
        ("{x:number}", 50.04, "50.04"),
        ("{x:number}", 1_234_567.0, "1234567"),
        ("{x:number}", 0.0, "0"),
        ("{x:number}", 0.000123456, "0.000123"),
        ("{x:number}", "many", "many"),
        ("{x:words}", "traffic-speed_mean", "traffic speed mean"),
        ("{x:duration}", 0.5, "0.5 s"),
        ("{x:duration}", 59.6, "1 min"),
        ("{x:duration}", 3725, "1 h 2 min"),
        ("{x:duration}", 200_000, "2 d 7 h"),
        ("{x:lasting}", 0, ""),
        ("{x:distance}", 999.0, "999 m"),
        ("{x:distance}", 1250.0, "1.25 km"),
        ("{x:distance}", 2000.0, "2 km"),
        ("{x:clock}", AT, "2026-11-25 10:00:12"),
        ("{x:hour}", 34, "Tuesday 10:00"),
        ("{x:day}", 34, "Tuesday"),
        ("{x}", 7, "7"),
        ("{x} {where:words}.", 7, "7 street lamp 1."),
    ],
)
async def test_parameters_are_written_for_people(template: str, value: float | str, said: str) -> None:
    words = msgspec.structs.replace(ENGLISH, sentences={"m": template})

    assert Sentences(words, await known(), HELSINKI).why(detection(VALUE, "m", {"x": value})) == said


def test_a_language_is_checked_when_it_is_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="days"):
        msgspec.toml.decode(b'days = ["Monday"]\nsentences = {}', type=Language)
