"""What a part says about itself. The reference, the register and the contract tests are made from cards."""

from __future__ import annotations

from .noun import Noun


class Sample(Noun, frozen=True, kw_only=True):
    """One input of an example: an observation, a fact (JSON of what is told, or of a Detection), or a tick.

    `at` is seconds after the example's start; `datastream` counts from 0 within the example.
    """

    at: float
    datastream: int = 0
    values: dict[str, float] = {}
    fact: dict[str, object] | None = None
    tick: bool = False


class Card(Noun, frozen=True, kw_only=True):
    """Written by the part's author, shown to residents, checked by the contract tests.

    `key` is what the detector's state is kept by: "datastream" (of observations), "cell" (of facts near each other)
    or "city" (of all facts). `needs` are observed properties, kinds of fact, or kinds of detection ("*" for any);
    `lateness` is the allowed lateness in seconds; `options` makes the examples fire. `quality`: it judges whether
    a datastream can be believed, and what it doubts is kept from the others; it has a method `judge`, and no lateness.
    `doubted`: it gets what is doubted too, as it looks at whether rows come and not at what they say. `learns`: what it takes
    for usual, it learns from the datastream itself while it runs.
    """

    finds: str
    needs: frozenset[str]
    key: str
    lateness: float
    personal_data: bool
    cannot: str
    options: dict[str, object] = {}
    fires: tuple[Sample, ...] = ()
    near_miss: tuple[Sample, ...] = ()
    quality: bool = False
    doubted: bool = False
    learns: bool = False
