"""Collect the messages of the public pages into the gettext files: `python scripts/languages.py`; what needs a translator is listed.

English gets its own words. What nobody says any more is taken out. With `--check` nothing is written; the status is 1 when a file
is not as this would write it, or lacks a translation.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po

SCREENS = Path(__file__).parents[1] / "src" / "tutela" / "screens"
FOLDER = SCREENS / "languages"
WIDTH = 120
PLACEHOLDER = re.compile(r"%\(\w+\)s")

Key = str | tuple[str, str]


def wanted() -> dict[Key, set[str]]:
    """All messages of the public pages (one with a plural is a pair), each with the files that say it."""
    templates = sorted((SCREENS / "templates" / "public").rglob("*.html"))
    code = [path for path in sorted(SCREENS.glob("*.py")) if "from .languages import" in path.read_text()]
    found: dict[Key, set[str]] = {}
    for path in (*templates, *code, *sorted((SCREENS.parent / "model").glob("service.py"))):
        method = "jinja2.ext:babel_extract" if path.suffix == ".html" else "python"
        keywords = {"say": None, "N_": None} | dict(DEFAULT_KEYWORDS)
        with path.open("rb") as file:
            for _, message, *_ in extract(method, file, keywords, (), {"silent": "false"}):
                key: Key = message if isinstance(message, str) else (str(message[0]), str(message[1]))
                found.setdefault(key, set()).add(path.relative_to(SCREENS.parent).as_posix())
    return found


def catalogue(code: str) -> Catalog:
    """What a file says now."""
    with (FOLDER / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def lacks(of: Catalog, messages: dict[Key, set[str]]) -> list[str]:
    """What is wrong with a file: a message that is not there, not translated, or names other things than its English words."""
    wrong = []
    for key in messages:
        message = of.get(key if isinstance(key, str) else key[0])
        if message is None or not _whole(message):
            wrong.append(f"{of.locale}: not translated: {key!r}")
        elif any(_named(text) != _named(_texts(key)[-1]) for text in _texts(message.string)):
            wrong.append(f"{of.locale}: names other things than {key!r}: {message.string!r}")
    return wrong + [f"{of.locale}: nobody says {one.id!r} any more" for one in of if one.id and one.id not in messages]


def _whole(message: Message) -> bool:
    return all(_texts(message.string)) and not message.fuzzy


def _texts(of: str | Sequence[str] | None) -> tuple[str, ...]:
    return (of or "",) if of is None or isinstance(of, str) else tuple(of)


def _named(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def brought_up(code: str, messages: dict[Key, set[str]]) -> bytes:
    """The file as it should be."""
    old = catalogue(code)
    new = Catalog(
        locale=code,
        project="tutela",
        header_comment="# What public pages say. See docs/how-to/translate.md.",
        fuzzy=False,
    )
    for key, places in sorted(messages.items(), key=lambda one: _texts(one[0])):
        before = old.get(_texts(key)[0])
        said = before.string if before and before.id == key else ""
        plural = ("",) * new.num_plurals if isinstance(key, tuple) else ""
        if code == "en":
            said = key
        new.add(key, said or plural, locations=[(place, 0) for place in sorted(places)])
    text = BytesIO()
    write_po(text, new, width=WIDTH, include_lineno=False, omit_header=True)
    header = f'msgid ""\nmsgstr ""\n"Language: {code}\\n"\n"Plural-Forms: {new.plural_forms}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return header.encode() + text.getvalue()


def main() -> int:
    """Write the files, or check them."""
    check, messages, wrong = "--check" in sys.argv, wanted(), []
    for path in sorted(FOLDER.glob("*.po")):
        text = brought_up(path.stem, messages)
        if not check:
            path.write_bytes(text)
        elif path.read_bytes() != text:
            wrong.append(f"{path.name} is not as scripts/languages.py writes it")
        wrong += lacks(catalogue(path.stem), messages)
    print("\n".join([*wrong, f"languages: {len(messages)} messages, {len(wrong)} lacks"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
