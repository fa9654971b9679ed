"""What is kept of a person, as a file for them: JSON for machines and the same as a page that opens in any browser."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import msgspec

from tutela.flow.subject_access import Yours
from tutela.model.when import iso

from .paper import paper

FIRST = (1980, 1, 1, 0, 0, 0)
"""The time that all files in it carry: what was found is dated inside."""


def packed(found: Yours) -> bytes:
    """The file. The same findings give the same bytes."""
    data = msgspec.json.format(msgspec.json.encode(found), indent=2)
    page = paper.get_template("yours.html").render(found=found, iso=iso).encode()
    body = BytesIO()
    with ZipFile(body, "w", ZIP_STORED) as zip_:
        for name, text in (("what-is-kept.json", data), ("what-is-kept.html", page)):
            zip_.writestr(ZipInfo(name, FIRST), text)
    return body.getvalue()
