"""A persistent table of arrays: what detectors keep of many datastreams.

`put` gives a new slab and leaves the old one as it was, yet costs only the rows that change: the
newest version owns the arrays, an older one holds what was different (Baker 1978, "Shallow binding
in Lisp"; Conchon and Filliâtre 2007, "A persistent union-find"). Reading an old version copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Slots = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: numpy dtype, the value of a slot never written (or one for each of its values), and values per slot (0: a scalar)."""

    dtype: str
    fill: float | tuple[float, ...] = 0
    width: int = 0


def wide(dtype: str, fills: Mapping[str, float]) -> Field:
    """Several values of a slot that are always read and written together, each with its fill: they lie side by side in memory."""
    return Field(dtype, tuple(fills.values()), len(fills))


def apart(names: Sequence[str], values: Array) -> dict[str, Array]:
    """What was taken of such a column, value by value."""
    return dict(zip(names, np.ascontiguousarray(values.T), strict=True))


def together(names: Sequence[str], values: Mapping[str, Array]) -> Array:
    """The values again as they are put."""
    return np.stack([values[name] for name in names], axis=1)


class _Store:
    """The arrays themselves, owned by the newest version."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.arrays: dict[str, Array] = {}
        self.size = 0
        self.dirty: set[str] = set()

    def column(self, name: str) -> Array:
        array = self.arrays.get(name)
        if array is None or len(array) < self.size:
            array = self.arrays[name] = self._grown(self.fields[name], array)
        return array

    def _grown(self, field: Field, old: Array | None) -> Array:
        shape = (max(self.size, 64), field.width) if field.width else (max(self.size, 64),)
        new = np.full(shape, field.fill, field.dtype)
        if old is not None:
            new[: len(old)] = old
        return new

    def reach(self, top: int) -> None:
        if top > self.size:
            self.size = max(top, min(2 * self.size, self.size + 65536))


@dataclass(frozen=True, slots=True)
class _Undo:
    """How an old version differs from `after`: these slots of these columns had these values."""

    after: Slab
    slots: Slots
    was: Mapping[str, Array]


class Slab:
    """Columns by slot. Only `take` (copies) and `put` (a new slab) touch it."""

    __slots__ = ("__weakref__", "_store", "_undo")

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._store = _Store(dict(fields))
        self._undo: _Undo | None = None

    @property
    def size(self) -> int:
        """Slots that have ever been reached."""
        return self._store.size

    def take(self, name: str, slots: Slots | None = None) -> Array:
        """A copy of that column at those slots (default: all)."""
        if self._undo is not None:
            return self._older(name, slots)
        store = self._store
        if slots is None:
            return store.column(name)[: store.size].copy()
        if len(slots):
            store.reach(int(slots.max()) + 1)
        taken: Array = store.column(name)[slots]
        return taken

    def _older(self, name: str, slots: Slots | None) -> Array:
        chain = []
        version: Slab = self
        while version._undo is not None:
            chain.append(version._undo)
            version = version._undo.after
        whole = version.take(name)
        for undo in reversed(chain):
            if name in undo.was:
                whole[undo.slots] = undo.was[name]
        if slots is None:
            return whole
        if len(slots) and int(slots.max()) >= len(whole):
            version.take(name, slots)
            return self._older(name, slots)
        taken: Array = whole[slots]
        return taken

    def put(self, slots: Slots, /, **columns: npt.ArrayLike) -> Slab:
        """A new slab with those values at those slots (each slot at most once)."""
        if self._undo is not None:
            return self._copied().put(slots, **columns)
        store = self._store
        if len(slots):
            store.reach(int(slots.max()) + 1)
        was: dict[str, Array] = {}
        for name, values in columns.items():
            array = store.column(name)
            was[name] = array[slots]
            array[slots] = np.asarray(values, array.dtype)
            store.dirty.add(name)
        new = Slab.__new__(Slab)
        new._store, new._undo = store, None
        self._undo = _Undo(new, slots, was)
        return new

    def _copied(self) -> Slab:
        new = Slab(self._store.fields)
        new._store.size = self._store.size
        for name in self._store.arrays:
            new._store.arrays[name] = self.take(name)
            new._store.dirty.add(name)
        return new

    def changed(self) -> Iterator[tuple[str, bytes]]:
        """The columns written since this was last asked, as raw bytes; the newest version only."""
        for name in sorted(self._store.dirty):
            yield name, self.take(name).tobytes()
        self._store.dirty.clear()

    def dump(self) -> dict[str, bytes]:
        """Every column that was ever written, as raw bytes."""
        return {name: self.take(name).tobytes() for name in sorted(self._store.arrays)}

    @classmethod
    def load(cls, fields: Mapping[str, Field], saved: Mapping[str, bytes]) -> Slab:
        """The slab that `dump` or all `changed` together described."""
        new = cls(fields)
        for name, body in saved.items():
            field = fields[name]
            flat = np.frombuffer(body, field.dtype).copy()
            array: Array = flat.reshape(-1, field.width) if field.width else flat
            new._store.arrays[name] = array
            new._store.size = max(new._store.size, len(array))
        return new
