"""A sign for the street: what watches here, who answers for it, why, for how long; and a code that leads to its page.

In the manner of DTPR (Digital Trust for Places and Routines): hexagons, few words, one way to ask. It is a page of A5 to print.
"""

from __future__ import annotations

import io

import segno
from markupsafe import Markup

SIZE = 4
"""Pixels of a module of the code on the screen; on paper the style says."""


def code(address: str) -> Markup:
    """A QR code (ISO/IEC 18004) as SVG, to stand in a page: a quarter of it may be dirty."""
    out = io.BytesIO()
    segno.make(address, error="q", micro=False).save(
        out,
        kind="svg",
        scale=SIZE,
        border=4,
        xmldecl=False,
        svgns=True,
        light="#fff",
        dark="#000",
        nl=False,
        svgclass="code",
        lineclass=None,
        omitsize=True,
        title=address,
    )
    return Markup(out.getvalue().decode())  # noqa: S704  all of it is drawn here
