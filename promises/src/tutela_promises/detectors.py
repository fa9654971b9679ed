"""What every detector promises. `name` is the detector's; `tutela_promises.detector` says which are tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from tutela import parts
from tutela.errors import BadInput
from tutela.flow.detector import Detector
from tutela.model.card import Card
from tutela.model.detection import Detection
from tutela.model.flow import encode
from tutela.model.when import DAY
from tutela.model.why import Fewer

from .about import about
from .changes import changed
from .digests import digest
from .disturbed import disturbed, staged
from .examples import START, items_of, made, world_of
from .stage import Item, Observed, Told, World, by_time, play, play_on, seens, slot_id
from .streams import WEEKS, stream, world
from .traps import trapped

SEEDS = (1, 2, 3)
GROUP = 10
"""Of a smaller group not even the number is told."""


def card_of(name: str) -> Card:
    card: Card = parts.load("detectors", name).card
    return card


def cuts(seed: int, items: Sequence[Item], many: int = 40) -> list[int]:
    places: list[int] = np.random.default_rng(seed).integers(0, len(items), many).tolist()
    return places


def test_says_honestly_what_it_finds_and_what_it_cannot(name: str) -> None:
    card = card_of(name)

    assert card.finds.endswith(".")
    assert card.cannot.endswith(".")
    assert card.needs
    assert card.key in {"datastream", "cell", "city"}
    assert card.fires
    assert card.near_miss


def test_fires_on_its_firing_example(name: str) -> None:
    card = card_of(name)

    assert play(made(name), seens(world_of(card), items_of(card.fires)))


def test_stays_silent_on_its_near_miss(name: str) -> None:
    card = card_of(name)

    assert play(made(name), seens(world_of(card), items_of(card.near_miss))) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_finds_the_same_however_the_stream_is_cut(name: str, seed: int) -> None:
    detector = made(name)
    items = stream(detector, seed)
    whole = play(detector, seens(world(detector), items))

    assert whole
    assert play(detector, seens(world(detector), items, cuts(seed, items))) == whole
    assert play(detector, seens(world(detector), items, range(len(items)))) == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_can_stop_and_resume_anywhere(name: str, seed: int) -> None:
    detector = made(name)
    items = stream(detector, seed)
    whole = play(detector, seens(world(detector), items))

    resumed: list[Detection] = []
    saved: dict[str, bytes] = {}
    for begin, end in pairwise([0, *sorted(cuts(seed, items, 12)), len(items)]):
        again = made(name)  # nothing but bytes is carried over
        state, new = play_on(again, again.load(saved), seens(world(again), items[begin:end]))
        saved |= again.changed(state)
        resumed += new

    assert by_time(resumed) == whole


def test_saves_plain_bytes_by_name(name: str) -> None:
    detector = made(name)
    state, _ = play_on(detector, detector.begin(), seens(world(detector), stream(detector, 1)))

    saved = detector.changed(state)

    assert saved
    assert all(isinstance(column, str) and type(body) is bytes for column, body in saved.items())
    assert not any(body.startswith(b"\x80") and body.endswith(b".") for body in saved.values())  # no pickle


@pytest.mark.parametrize("seed", SEEDS)
def test_an_old_state_stays_as_it_was(name: str, seed: int) -> None:
    """A step makes a new state. Arrays that it is given are locked, so a write to them would fail."""
    detector = made(name)
    items = stream(detector, seed)
    middle = len(items) // 2
    state, _ = play_on(detector, detector.begin(), seens(world(detector), items[:middle]))

    _, first = play_on(detector, state, seens(world(detector), items[middle:]))
    _, again = play_on(detector, state, seens(world(detector), items[middle:]))

    assert first == again


def test_memory_follows_the_city_and_not_the_years(name: str) -> None:
    detector = made(name)
    state, size = detector.begin(), [0]
    saved: dict[str, bytes] = {}
    for round_ in range(4):
        items = stream(detector, 1, start=START + round_ * WEEKS * 7 * DAY)
        state, _ = play_on(detector, state, seens(world(detector), items))
        saved |= detector.changed(state)
        size.append(sum(len(body) for body in saved.values()))

    assert size[4] <= 1.1 * size[1] + 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_explains_each_detection_by_inputs_options_and_version(name: str, seed: int) -> None:
    detector = made(name)

    for detection in play(detector, seens(world(detector), stream(detector, seed))):
        assert detection.detector in parts.names("detectors")
        assert (detection.type, detection.version) == (detector.name, detector.version)
        assert detection.why.message.startswith(f"{name}.")
        assert detection.why.inputs
        assert detection.datastreams or detection.facts or unnamed(detection)
        assert detection.since <= detection.at
        assert 0 < detection.confidence <= 1


def unnamed(detection: Detection) -> bool:
    """Whether it counts Things of which it names none."""
    change = detection.why.unless
    return isinstance(change, Fewer) and not change.of


@about(lambda part: part.card.personal_data)
@pytest.mark.parametrize("seed", SEEDS)
def test_tells_of_no_place_where_somebody_was_and_of_a_group_only_its_number(name: str, seed: int) -> None:
    """What it finds is stored in the clear."""
    detector = made(name)
    items = stream(detector, seed)
    places = {
        repr(each)
        for item in items
        if isinstance(item, Observed) and item.place
        for each in (item.place.lat, item.place.lon)
    }

    for detection in play(detector, seens(world(detector), items)):
        told = encode(detection).decode()
        assert not [each for each in places if each in told]
        if unnamed(detection):
            assert (detection.datastreams, detection.facts) == ((), ())
            assert "thing-" not in told
            assert float(detection.why.inputs["things"]) >= GROUP


@pytest.mark.parametrize("seed", SEEDS)
def test_would_not_have_fired_if_it_says_so_and_half_of_that_is_not_enough(name: str, seed: int) -> None:
    detector = made(name)
    items = stream(detector, seed)
    found = play(detector, seens(world(detector), items))

    for some in np.random.default_rng(seed).permutation(len(found))[:5].tolist():
        _tried(detector, world(detector), items, found[some])


def test_would_not_have_fired_on_its_example_either(name: str) -> None:
    detector, card = made(name), card_of(name)
    items = items_of(card.fires)

    for detection in play(detector, seens(world_of(card), items)):
        _tried(detector, world_of(card), items, detection)


def _tried(detector: Detector, world: World, items: Sequence[Item], detection: Detection) -> None:
    area = getattr(detector, "area", None)
    whole = play(detector, seens(world, changed(items, detection, 1.0, area)))
    half = play(detector, seens(world, changed(items, detection, 0.5, area)))

    assert _about(detection) not in map(_about, whole), f"this change does not silence it: {detection.why.unless}"
    assert _about(detection) in map(_about, half), f"half of this change silences it: {detection.why.unless}"


def _about(detection: Detection) -> tuple[str, str, int]:
    return detection.type, detection.key, detection.at


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_that_are_doubled_late_or_out_of_order_change_nothing(name: str, seed: int) -> None:
    """Through the stage that a detector has in the city: what comes too late for its card, it never sees."""
    detector = made(name)
    items = stream(detector, seed)

    assert staged(detector, world(detector), disturbed(detector.card, items, seed)) == staged(
        detector, world(detector), items
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_missing_rows_leave_it_with_what_there_is(name: str, seed: int) -> None:
    """It goes on, and rests on nothing that did not come."""
    detector = made(name)
    items = stream(detector, seed)
    there = [items[place] for place in np.flatnonzero(np.random.default_rng(seed).random(len(items)) > 0.3).tolist()]
    came = {item.fact.id for item in there if isinstance(item, Told)}
    spoke = {slot_id(item.slot) for item in there if isinstance(item, Observed)}

    for detection in play(detector, seens(world(detector), there)):
        assert spoke.issuperset(detection.datastreams) or came
        assert came.issuperset(detection.facts)


@pytest.mark.parametrize("seed", SEEDS)
def test_gives_each_finding_its_own_id_and_revision(name: str, seed: int) -> None:
    detector = made(name)
    found = [(each.id, each.revision) for each in play(detector, seens(world(detector), stream(detector, seed)))]

    assert len(found) == len(set(found))


def test_finds_the_same_in_processes_with_other_hash_seeds(name: str) -> None:
    one, other = (digests(seed, package_of(name)) for seed in ("1", "2"))

    assert one[name] == other[name]
    assert one[name] == digest(made(name))


def package_of(name: str) -> str:
    return parts.names("detectors")[name].partition(".")[0]


@cache
def digests(hash_seed: str, package: str) -> Mapping[str, str]:
    """What all detectors of a package find, as hashes, in a process of its own."""
    names = [name for name in parts.names("detectors") if package_of(name) == package]
    ran = subprocess.run(
        [sys.executable, "-m", "tutela_promises.digests", *names],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    hashes: Mapping[str, str] = json.loads(ran.stdout)
    return hashes


def test_thinks_without_clock_chance_files_or_sockets(name: str) -> None:
    detector = made(name)
    items = stream(detector, 1)
    middle = len(items) // 2
    before, after = list(seens(world(detector), items[:middle])), list(seens(world(detector), items[middle:]))

    with trapped():
        state, found = play_on(detector, detector.begin(), before)
        _, more = play_on(detector, detector.load(detector.changed(state)), after)

    assert by_time(found + more) == play(detector, [*before, *after])


def test_refuses_an_option_that_it_does_not_have(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} in detectors: .*its options are name, "):
        made(name, colour="blue")
