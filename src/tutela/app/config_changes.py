"""What differs between files and the register, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tutela.model.noun import Noun


class Change(Noun, frozen=True, kw_only=True):
    """One difference. `how`: new, changed, or stays (told, and left as it is); `says` what differs."""

    how: str
    what: str
    name: str
    says: str = ""


def differs(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Each field that differs, before and after."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {_shown(old.get(name))} -> {_shown(new.get(name))}" for name in names)


def _shown(value: object) -> str:
    return "–" if value is None else msgspec.json.encode(value).decode()
