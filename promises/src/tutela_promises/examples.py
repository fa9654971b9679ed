"""A card's examples as recorded items. What a sample does not say is filled in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tutela import parts
from tutela.flow.detector import Detector
from tutela.maths.cells import cell_of
from tutela.model.card import Card, Sample
from tutela.model.flow import Fact
from tutela.model.place import Place
from tutela.model.when import SECOND

from .stage import CENTRE, Item, Observed, Ticked, Told, World

START = 1_767_571_200 * SECOND  # Monday 2026-01-05 00:00 UTC
PROPERTY = "pm10"

BLANK: Mapping[str, Mapping[str, object]] = {
    "call": {"timeline": "live", "source": "calls", "category": "EMS: fall"},
    "report": {"timeline": "live", "source": "portal", "category": "Trees: fallen tree"},
    "post": {"timeline": "live", "source": "feed", "category": "Fire"},
    "detection": {
        "timeline": "live",
        "detector": "threshold",
        "version": 1,
        "options": "",
        "type": "threshold",
        "key": "1",
        "scale": {},
        "confidence": 1.0,
        "purpose": "public-safety",
        "why": {"message": "", "inputs": {}, "unless": {"noun": "fewer", "by": 1, "of": []}},
    },
}


def made(name: str, **options: object) -> Detector:
    """The detector with the options of its card's examples, and these."""
    card: Card = parts.load("detectors", name).card
    detector: Detector = parts.make("detectors", name, {**card.options, **options})
    return detector


def world_of(card: Card) -> World:
    """A world for the card's examples: a datastream for each that they name."""
    size = 1 + max((sample.datastream for sample in (*card.fires, *card.near_miss)), default=0)
    return World(property=str(card.options.get("observed_property", PROPERTY)), size=size, kind=kind_of(card))


def kind_of(card: Card) -> str:
    """The kind of observation that a card's examples are made of."""
    return "positions" if any("lat" in sample.values for sample in card.fires) else "readings"


def items_of(samples: Sequence[Sample]) -> list[Item]:
    """The samples as recorded items, from Monday midnight UTC on."""
    return [_item(sample, START + round(sample.at * SECOND)) for sample in samples]


def _item(sample: Sample, at: int) -> Item:
    if sample.fact is not None:
        return Told(fact_of(sample.fact, at))
    if sample.tick:
        return Ticked(at)
    if "lat" in sample.values:
        return Observed(sample.datastream, at, place=msgspec.convert(sample.values, Place))
    return Observed(sample.datastream, at, sample.values["result"])


def fact_of(said: Mapping[str, object], at: int) -> Fact:
    """What was told, or a detection, with what was said of it; by default in the middle of the world."""
    noun: dict[str, Any] = {"place": msgspec.to_builtins(CENTRE), **BLANK[str(said["noun"])], **said}
    noun |= {"at": at, "since": noun.get("since", at)} if noun["noun"] == "detection" else {"at": at}
    noun.setdefault("cell", cell_of(msgspec.convert(noun["place"], Place | None)))
    fact: Fact = msgspec.convert(noun, Fact)
    return fact
