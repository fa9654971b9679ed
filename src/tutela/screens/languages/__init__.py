"""What public pages say, one gettext file for each language. The files are the one source, and are read at the start.

A message goes by its English words. `scripts/languages.py` collects the messages of the public pages into the files, and a test
holds that none lacks in any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from tutela.model.when import SECOND, moment

NAMES = {"en": "English", "fi": "suomi", "fr": "français"}
"""Each language by its own name: whoever looks for theirs can read no other."""

WRITTEN = {"en": "en_GB"}
"""Where it is written as in one country more than in another: days before months, and no noon to count from."""

FIRST = "en"
"""Where nothing is asked for that there is."""

_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")
MOST = 20
"""Languages of a browser's list that are looked at."""


def N_(words: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark words that are translated later, where they are shown."""
    return words


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its messages, and how it writes times and numbers. Times are microseconds, `zone` is the city's."""

    code: str
    locale: Locale
    words: GNUTranslations

    @property
    def direction(self) -> str:
        """Which way it is written: `ltr` or `rtl`."""
        return self.locale.text_direction

    def say(self, message: str, /, **named: object) -> str:
        """A message in this language, with what it names; of one that nobody translated, the words themselves."""
        text = self.words.gettext(message)
        return text % named if named else text

    def day(self, at: int, zone: str) -> str:
        """A day, as people write it."""
        return format_date(moment(at).astimezone(ZoneInfo(zone)).date(), "long", locale=self.locale)

    def time(self, at: int, zone: str) -> str:
        """A time of the day."""
        return format_time(moment(at), "short", tzinfo=ZoneInfo(zone), locale=self.locale)

    def moment(self, at: int, zone: str) -> str:
        """A day and time."""
        return format_datetime(moment(at), "medium", tzinfo=ZoneInfo(zone), locale=self.locale)

    def ago(self, at: int, now: int) -> str:
        """How long ago, in one unit; what is to come is now."""
        seconds = max(1, (now - at) // SECOND)
        return format_timedelta(-seconds, add_direction=True, locale=self.locale)

    def number(self, value: float) -> str:
        """A number with as many digits as it deserves."""
        return format_decimal(value, "#,##0" if abs(value) >= 100 else "#,##0.#", locale=self.locale)


@cache
def speech(code: str) -> Speech:
    """The language of that code, one of `NAMES`."""
    with (files(__name__) / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Speech(code, Locale.parse(WRITTEN.get(code, code)), GNUTranslations(compiled))


def chosen(wanted: str, before: str, accepts: str) -> str:
    """The code of the language to speak: what is `wanted` now, was wanted `before`, or what a browser's Accept-Language says."""
    for code in (wanted, before):
        if code in NAMES:
            return code
    return max(_accepted(accepts), default=(0.0, 0, FIRST))[2]


def _accepted(header: str) -> list[tuple[float, int, str]]:
    """The languages of a header that there are, each with how much it is liked, and how early it stands."""
    found = []
    for place, part in enumerate(header.split(",")[:MOST]):
        told = _RANGE.fullmatch(part)
        if told and told[1].lower() in NAMES and (liked := float(told[2] or 1)) > 0:
            found.append((liked, -place, told[1].lower()))
    return found
