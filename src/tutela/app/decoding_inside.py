"""The program that decodes a recorded file: its input is the file, its output the table. Loaded by `app.decoding` in a process of its own."""

from __future__ import annotations

import os
import sys

from tutela.backends.confined import REFUSED, closed, enter


def main() -> None:
    """Limits first, then the libraries, then no rights, and only then the file."""
    (suffix,) = enter(sys.argv[1:])
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the other pools reserve more than they need
    import pyarrow as pa  # noqa: PLC0415  only when the limits hold

    from tutela.errors import BadInput  # noqa: PLC0415  as above
    from tutela.sources.files import table_of  # noqa: PLC0415  as above

    _warm(suffix)
    closed()
    try:
        table = table_of(sys.stdin.buffer, suffix)
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
            stream.write_table(table)
        sys.stdout.buffer.flush()
    except (pa.ArrowException, OSError, ValueError, BadInput) as wrong:
        if isinstance(wrong, MemoryError):
            raise
        sys.stderr.write(str(wrong).replace("\n", " ")[:2000])
        sys.exit(REFUSED)


def _warm(suffix: str) -> None:
    """Threads that the readers keep are made now: later, none can be."""
    from io import BytesIO  # noqa: PLC0415  only here

    import pyarrow as pa  # noqa: PLC0415  as above
    import pyarrow.parquet as pq  # noqa: PLC0415  as above

    from tutela.sources.files import table_of  # noqa: PLC0415  as above

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    small = BytesIO()
    if suffix == ".parquet":
        pq.write_table(pa.table({"a": [1]}), small)
    else:
        small.write(b"a\n1\n" if suffix == ".csv" else b'{"a": 1}\n')
    small.seek(0)
    table_of(small, suffix)
