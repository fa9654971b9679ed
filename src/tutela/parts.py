"""Find a part: by room and name, in the room or by entry point `tutela.<room>` of an installed package that is trusted here.

Nothing is imported until somebody names it, and nothing at all of a package that nobody trusted (`backends/trust.py`). A part is one file
that sets `part`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import msgspec

from tutela.backends.trust import HERE
from tutela.errors import BadInput, PartMissing
from tutela.policy import refusals

ROOMS = ("sources", "perceivers", "detectors", "forecasts", "planners", "responders", "standards")
"""Rooms whose files are found by name. Backends and screens are wired by the app itself."""

SYSTEMS = "systems"
"""Their files are found likewise; they set `system`."""


def names(room: str) -> Mapping[str, str]:
    """The parts of a room, each with where it comes from; a doubled name stops the start."""
    found = {name: f"tutela.{room}.{name}" for name in _inside(room)}
    brought: dict[str, str] = {}
    for point in HERE.points(f"tutela.{room}"):
        by = point.dist.name if point.dist else "a package"
        if point.name in found:
            raise PartMissing(
                f"two parts are called {point.name!r} in {room}: {found[point.name]} of"
                f" {brought.get(point.name, 'tutela')}, and {point.value} of {by}; take one of these packages out, or"
                " give the part another name in its pyproject.toml",
                room=room,
            )
        found[point.name], brought[point.name] = point.value, by
    return dict(sorted(found.items()))


def check() -> None:
    """Raise PartMissing for a doubled name in any room."""
    for room in (*ROOMS, SYSTEMS):
        names(room)


def _inside(room: str) -> list[str]:
    try:
        package = import_module(f"tutela.{room}")
    except ModuleNotFoundError:
        return []
    return [
        found.name
        for found in pkgutil.iter_modules(package.__path__)
        if not found.ispkg and not found.name.startswith("_")
    ]


def load(room: str, name: str, sets: str = "part") -> Any:  # noqa: ANN401  a part can be of any kind; its room says which
    """What the part's file calls `part`; raises Refused for one that needs what nobody may look at (its card says so)."""
    known = names(room)
    if name not in known:
        if (by := HERE.of(f"tutela.{room}", name)) is not None:
            raise PartMissing(
                f"{name} in {room} is of the package {by}, which is not trusted here as it is; look at it, and then: "
                f"tutela parts trust {by}",
                room=room,
            )
        there = ", ".join(known) or "none"
        raise PartMissing(f"no part called {name!r} in {room}; there are: {there}", room=room)
    module = _imported(room, name, known[name].partition(":")[0])
    if not hasattr(module, sets):
        raise PartMissing(f"{known[name]} sets no `{sets}`; end the file with `{sets} = …`", room=room)
    part = getattr(module, sets)
    card = getattr(part, "card", None)
    needs = (name, *getattr(card, "needs", ()), *getattr(part, "__struct_fields__", ()))
    refusals.names(needs, f"{name} in {room}, of {known[name]},")
    return part


def _imported(room: str, name: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as wrong:
        raise PartMissing(
            f"{name} in {room} can't be imported from {module}: {wrong}; install what it needs, or take out the package"
            " that brings it",
            room=room,
        ) from wrong


def make(room: str, name: str, options: Mapping[str, object]) -> Any:  # noqa: ANN401  as above
    """The part with these options, each checked against its field: BadInput names the wrong one."""
    part = load(room, name)
    refusals.names(refusals.declared(options), f"{name} in {room}")
    try:
        return msgspec.convert(dict(options), part)
    except msgspec.ValidationError as wrong:
        fields = ", ".join(part.__struct_fields__)
        raise BadInput(f"{name} in {room}: {wrong}; its options are {fields}", room=room) from wrong
