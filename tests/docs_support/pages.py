"""Pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: `info` is what stands behind the fence, such as `toml air.toml` or `sh test until`."""

    page: Path
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def file(self) -> str:
        """The file that it is, or nothing: the word after the language that has a dot."""
        return next((word for word in self.info[1:] if "." in word), "")

    @property
    def runs(self) -> bool:
        return self.info[:2] == ("sh", "test")

    @property
    def patient(self) -> bool:
        """Whether it is run again until it answers as the page says."""
        return self.info[2:3] == ("until",)


def pages() -> list[Path]:
    """Every page that people read, README and the like included."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "news").glob("*.md")])


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: found.start()].count("\n") + 1, tuple(found["info"].split()), found["text"])
        for found in FENCE.finditer(text)
    ]


def files(page: Path) -> dict[str, str]:
    """The blocks of a page that are files, by name."""
    return {block.file: block.text for block in blocks(page) if block.file}


def links(page: Path) -> list[str]:
    """Links to other files of the repository."""
    plain = FENCE.sub("", page.read_text(encoding="utf-8"))
    return [found["target"] for found in LINK.finditer(plain) if ":" not in found["target"]]


def anchors(page: Path) -> set[str]:
    """What `#…` may name in a page, as the usual renderers make it."""
    found = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for words in found}
