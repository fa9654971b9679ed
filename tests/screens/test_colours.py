"""What is written can be read: the contrast of each pair of colours is computed, light and dark (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tutela.screens import page

STATIC = Path(page.__file__).parent / "static"
CSS = (STATIC / "tokens.css").read_text()
SHEETS_OF_STYLE = sorted(path for path in STATIC.glob("*.css") if path.name != "tokens.css")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{([^}]*)\}", CSS)
)

SHEETS = ("back", "sheet", "raised")
TEXTS = ("text", "quiet", "link", "p1", "p2", "p3", "p4", "stale", "live")
PAIRS = [(text, sheet) for text in TEXTS for sheet in SHEETS] + [
    ("on-main", "main"),
    ("on-banner", "banner"),
    ("on-alarm", "alarm"),
]
EDGES = [("edge", sheet) for sheet in SHEETS] + [("focus", sheet) for sheet in SHEETS]
"""Borders of controls and of focus need 3 : 1 (1.4.11)."""


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out(colours: dict[str, str]) -> None:
    low = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in PAIRS}

    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_edges_of_controls_stand_out(colours: dict[str, str]) -> None:
    low = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in EDGES}

    assert {pair: ratio for pair, ratio in low.items() if ratio < 3} == {}


def test_both_schemes_have_every_colour_and_nothing_has_another() -> None:
    assert LIGHT.keys() == DARK.keys()
    for sheet in (STATIC / "tokens.css", *SHEETS_OF_STYLE):
        assert not re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r":root \{[^}]*\}", "", sheet.read_text())), sheet.name
