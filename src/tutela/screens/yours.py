"""What is kept of a person, as a file for them: JSON for machines and the same as a page that opens in any browser.

What is withheld is not in it, nor that anything is: a suspect would be warned before anybody decided on an exemption.
"""

from __future__ import annotations

import msgspec

from tutela.flow.packing import zipped
from tutela.flow.subject_access import Yours
from tutela.model.when import iso

from .paper import paper


def packed(found: Yours) -> bytes:
    """The file. The same findings give the same bytes, whatever was withheld."""
    theirs = msgspec.to_builtins(found)
    del theirs["not_shown"]
    data = msgspec.json.format(msgspec.json.encode(theirs), indent=2)
    page = paper.get_template("yours.html").render(found=found, iso=iso).encode()
    return zipped([("what-is-kept.json", data), ("what-is-kept.html", page)])
