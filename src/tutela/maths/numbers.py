"""The number that people know a report by: it names its day, and tells nothing else."""

from __future__ import annotations

import re
from base64 import b32encode

from tutela.errors import BadInput
from tutela.model.when import iso, parse

from .ids import digest

_NUMBER = re.compile(r"(\d\d)(\d\d)(\d\d)-?([A-Z2-7]{4})-?([A-Z2-7]{4})")
_DATE = slice(2, len("2026-11-28"))


def number_of(id_: str, at: int) -> str:
    """The number of a report: its day (UTC), and letters that tell nothing."""
    code = b32encode(digest("number", id_, size=5)).decode()
    return f"{iso(at)[_DATE].replace('-', '')}-{code[:4]}-{code[4:]}"


def plain(number: str) -> str:
    """A number as it was shown, however somebody wrote it; "" for what is none."""
    found = _NUMBER.fullmatch(number.strip().upper())
    return "" if found is None else f"{found[1]}{found[2]}{found[3]}-{found[4]}-{found[5]}"


def day_of(number: str) -> int | None:
    """The day that a number names; None when it names none."""
    found = _NUMBER.fullmatch(number.strip().upper())
    if found is None:
        return None
    try:
        return parse(f"20{found[1]}-{found[2]}-{found[3]}T00:00:00Z")
    except BadInput:
        return None
