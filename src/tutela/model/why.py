"""Why a detection was made, and what would have kept it silent.

A counterfactual is a change of the input that can be tried: made whole, it silences the
detection; made by half, it does not. The contract tests try both on every detector.
"""

from __future__ import annotations

from .noun import Noun


class ValueWas(Noun, tag="value", tag_field="noun", frozen=True, kw_only=True):
    """It would not have fired if that observation had been `would` (and not `was`)."""

    datastream: int
    time: int
    column: str
    was: float
    would: float


class HadCome(Noun, tag="had-come", tag_field="noun", frozen=True, kw_only=True):
    """It would not have fired if an observation had come at `time` (the one before came at `last`).

    Where a detection rests on several datastreams: one from each of them.
    """

    datastream: int
    last: int
    time: int


class Fewer(Noun, tag="fewer", tag_field="noun", frozen=True, kw_only=True):
    """It would not have fired with `by` fewer of the things it counted.

    `of` are their ids; none where these would tell who was there: then any `by` of those furthest from the middle.
    """

    by: int
    of: tuple[str, ...]


class Apart(Noun, tag="apart", tag_field="noun", frozen=True, kw_only=True):
    """It would not have fired if that fact had been `metres` further off to the north."""

    fact: str
    metres: float


class Moved(Noun, tag="moved", tag_field="noun", frozen=True, kw_only=True):
    """It would not have fired if that position had been nearer to the edge, or beyond it: by `metres` at most.

    Rounded up to ten metres, and without a direction: where a Thing was is personal data, a reason is stored in the clear,
    and everybody knows where the edge is.
    """

    datastream: int
    time: int
    metres: float


Change = ValueWas | HadCome | Fewer | Apart | Moved


class Why(Noun, frozen=True, kw_only=True):
    """The inputs, in the units of the data; `message` is the id of a sentence with these parameters."""

    message: str
    inputs: dict[str, float | int | str]
    unless: Change
