"""What a text names, by patterns that are declared here, and by nothing else: no guess, no list of people.

A name is found only where the text itself says that it is one ("my name is …", "Mrs …").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import normalize

from tutela.model.link import EntityKind

AROUND = 40
"""Letters before and after a mention that are quoted with it."""

TIGHT = 4
"""Letters and digits that are compared without what stands between them."""

WORD = re.compile(r"\S+")
SPOKEN = re.compile(r"[^\W_]+")
_CAPITAL = "[A-ZÅÄÖÉÜ]"
_WORD = rf"{_CAPITAL}[\w'-]{{1,30}}"
_STREET = "katu|tie|polku|kuja|tori|aukio|ranta|puistikko|väylä|bulevardi|gatan|vägen|gränden|torget|kajen"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A declared pattern: what it finds, and how that is recognised, in words. Its first group is the mention."""

    name: str
    kind: EntityKind
    form: re.Pattern[str]
    says: str


PATTERNS = (
    Pattern(
        "phone",
        EntityKind.PHONE,
        re.compile(r"(?<![\w.:+-])(?!\d{4}-\d\d-\d\d)(\+?\d(?:[ ()/-]{0,2}\d){6,14})(?![\w.:-]?\d)"),
        "seven to fifteen digits, as telephone numbers are written",
    ),
    Pattern(
        "plate",
        EntityKind.PLATE,
        re.compile(r"\b([A-ZÅÄÖ]{2,3}-\d{1,3})\b"),
        "two or three capitals, a hyphen and up to three digits, as number plates are here",
    ),
    Pattern(
        "street",
        EntityKind.ADDRESS,
        re.compile(rf"\b({_CAPITAL}[a-zåäöé]{{1,30}}(?:{_STREET})\b(?: \d{{1,3}}[a-zA-Z]?\b)?)"),
        "a word that ends as names of streets do, with its number",
    ),
    Pattern(
        "street-after",
        EntityKind.ADDRESS,
        re.compile(rf"\b(\d{{1,4}} {_WORD} (?:Street|Road|Lane|Avenue|Square))\b"),
        "a number, a word with a capital, and Street, Road, Lane, Avenue or Square",
    ),
    Pattern(
        "introduced",
        EntityKind.NAME,
        re.compile(rf"\b(?:[Mm]y name is|[Nn]amed|[Nn]ame:|Mr\.?|Mrs\.?|Ms\.?|Dr\.?) ({_WORD}(?: {_WORD}){{0,2}})"),
        "one to three words with capitals after “my name is”, “named”, “name:”, Mr, Mrs, Ms or Dr",
    ),
)


@dataclass(frozen=True, slots=True)
class Mention:
    """Something that a text names: as it stands there, with the words around it."""

    kind: EntityKind
    name: str
    quote: str
    because: str


def mentions(text: str) -> Iterator[Mention]:
    """All that the patterns find, pattern by pattern."""
    for pattern in PATTERNS:
        for found in pattern.form.finditer(text):
            yield Mention(pattern.kind, found[1], quote(text, found.start(1), found.end(1)), pattern.name)


def said(text: str, kind: EntityKind, name: str) -> str | None:
    """The words around that name where the text says it; None where it does not."""
    found = next(_standing(text, name), None)
    if found is not None:
        return quote(text, *found)
    same = (one for one in mentions(text) if one.kind is kind and normal(kind, one.name) == normal(kind, name))
    return next((one.quote for one in same), None)


def _standing(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Where the name stands in the text as words of its own, however they are spaced, small or capital."""
    places = [place for run in WORD.finditer(text) for place in range(run.start(), run.end() + 1)]
    flat, wanted = " ".join(_small(run[0]) for run in WORD.finditer(text)), " ".join(map(_small, name.split()))
    at = flat.find(wanted)
    while wanted and at >= 0:
        end = at + len(wanted)
        if not (_letter(flat[at - 1 : at]) or _letter(flat[end : end + 1])):
            yield places[at], places[end - 1] + 1
        at = flat.find(wanted, at + 1)


def _small(text: str) -> str:
    """In small letters, each in its place: of one that would become two it stays as it is."""
    return "".join(small if len(small := one.lower()) == 1 else one for one in text)


def _letter(one: str) -> bool:
    return one.isalnum() or one == "_"


def quote(text: str, begin: int, end: int) -> str:
    """That stretch with what stands around it."""
    before, after = max(0, begin - AROUND), min(len(text), end + AROUND)
    return f"{'…' if before else ''}{text[before:after]}{'…' if after < len(text) else ''}"


def normal(kind: EntityKind, name: str) -> str:
    """One way to write it: the same number, plate or name is the same entity, however it was typed."""
    if kind is EntityKind.PHONE:
        digits = re.sub(r"[^\d+]", "", name)
        return f"+{digits[2:]}" if digits.startswith("00") else digits
    if kind is EntityKind.PLATE:
        return re.sub(r"[\W_]", "", name).upper()
    return plain(name)


def says(text: str, words: str) -> bool:
    """Whether a text says these words one after another, each as a whole word; numbers and plates however they are spaced."""
    said, wanted = spoken(text), spoken(words)
    if not wanted:
        return False
    if any(said[at : at + len(wanted)] == wanted for at in range(len(said))):
        return True
    tight, lettered = "".join(wanted), [word for word in wanted if not word.isdigit()]
    # Of more than one word with letters it is no number: else a name would be found by its pieces.
    if len(tight) < TIGHT or len(lettered) > 1 or not any(map(str.isdigit, tight)):
        return False
    return any(_runs(said, at, tight) for at in range(len(said)))


def _runs(said: list[str], at: int, tight: str) -> bool:
    """Whether the words from there on make that, with nothing between them."""
    for word in said[at:]:
        if not tight.startswith(word):
            return False
        tight = tight[len(word) :]
        if not tight:
            return True
    return False


def spoken(text: str) -> list[str]:
    """The words of a text in small letters: what stands between all that is no letter or digit."""
    return SPOKEN.findall(normalize("NFKC", text).casefold())


def plain(text: str) -> str:
    """Small letters with single spaces."""
    return " ".join(text.casefold().split())
