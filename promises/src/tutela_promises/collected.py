"""Promises, collected into classes that pytest finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FunctionType, ModuleType

from . import detectors, quality, sources
from .about import promised
from .sources import Other


def detector(*names: str) -> type:
    """All that these detectors promise: `TestRising = detector("rising")`."""
    return _class("detectors", names, (detectors, quality), {})


def source(*names: str, other: Other | None = None) -> type:
    """All that these sources promise; with an `other` also what they do with whom they speak with."""
    return _class("sources", names, (sources,), {"other": other})


def _class(room: str, names: Sequence[str], modules: Iterable[ModuleType], given: Mapping[str, object]) -> type:
    tests = {test.__name__: staticmethod(test) for test in _tests(room, names, modules, given)}
    return type(f"Promises of {', '.join(names)}", (), dict(tests))


def _tests(
    room: str, names: Sequence[str], modules: Iterable[ModuleType], given: Mapping[str, object]
) -> Iterator[FunctionType]:
    for module in modules:
        for promise in vars(module).values():
            if isinstance(promise, FunctionType) and promise.__name__.startswith("test_"):
                test = promised(promise, room, names, given)
                if test is not None:
                    yield test
