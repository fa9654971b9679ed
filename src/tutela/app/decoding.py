"""A recorded file is decoded in a process of its own, with limits: what was made to burst, to hang or to break its decoder ends there.

That process has both files open and needs no other; it gives back a table in Arrow's stream format, which is looked through before it is used.
What devices and people send to the doors is not decoded here: that stays where it is, with bounds of size, depth and number.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from tutela.backends.confined import Limits, confined, usual
from tutela.errors import BadInput

PROGRAM = "from tutela.app.decoding_inside import main; main()"


def apart(path: Path, limits: Limits | None = None) -> pa.Table:
    """The table in a file; raises BadInput, in words, with the file's name."""
    with tempfile.TemporaryDirectory(prefix="tutela-decoding-") as folder:
        made = Path(folder) / "table.arrow"
        confined(PROGRAM, [path.suffix.lower()], path, made, limits or usual(), path.name)
        try:
            with pa.memory_map(str(made)) as mapped, pa.ipc.open_stream(mapped) as stream:
                table = stream.read_all()
            table.validate(full=True)
        except (pa.ArrowException, OSError, ValueError) as wrong:  # text that is no Unicode is a ValueError
            raise BadInput(f"{path.name} was not read to its end: {wrong}") from wrong
    return table
