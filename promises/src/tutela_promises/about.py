"""Which parts a promise is about: all of a room, unless it says `@about(…)` of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, TypeVar

import pytest

from tutela import parts

Promise = TypeVar("Promise", bound=Callable[..., object])
Which = Callable[[Any], bool]


def about(which: Which) -> Callable[[Promise], Promise]:
    """Such parts only."""

    def says(promise: Promise) -> Promise:
        vars(promise)["about"] = which
        return promise

    return says


def all_of(_: object) -> bool:
    """Every part."""
    return True


def promised(
    promise: FunctionType, room: str, names: Iterable[str], given: Mapping[str, object]
) -> FunctionType | None:
    """The promise as a test of those parts of these that it is about, with what is given; None when it can't be tried."""
    which: Which = vars(promise).get("about", all_of)
    mine = [name for name in names if which(parts.load(room, name))]
    asks = promise.__code__.co_varnames[: promise.__code__.co_argcount]
    if not mine or any(given.get(one, one) is None for one in asks):
        return None
    # A copy: marks are kept on the function, and each class has parts of its own.
    own = FunctionType(promise.__code__, promise.__globals__, promise.__name__, promise.__defaults__)
    own.__doc__, own.__annotations__, own.__module__ = promise.__doc__, promise.__annotations__, promise.__module__
    fixed = [pytest.mark.parametrize(one, [given[one]], ids=[one]).mark for one in asks if one in given]
    named = pytest.mark.parametrize("name", mine).mark
    vars(own)["pytestmark"] = [*vars(promise).get("pytestmark", ()), named, *fixed]
    return own
