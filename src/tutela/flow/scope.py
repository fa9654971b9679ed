"""What a case is about, and what not: one function, which every record passes before its words are opened."""

from __future__ import annotations

import numpy as np

from tutela.maths.area import outline
from tutela.model.case import Scope
from tutela.model.link import Item


def covers(scope: Scope, item: Item) -> bool:
    """Whether the case is about that record: by its id, or by its time and place; and always by its sort."""
    if item.word not in scope.kinds:
        return False
    if item.id in scope.ids:
        return True
    if scope.area is None or item.place is None or not scope.since <= item.at < scope.until:
        return False
    return bool(outline(scope.area).beyond(np.array([item.place.lat]), np.array([item.place.lon]))[0] <= 0.0)
