"""What processes write to their logs: text that people read, or one JSON object a line for whoever gathers them."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping

import msgspec

from tutela.app.settings import LOG, PROCESS
from tutela.errors import BadInput
from tutela.model.when import SECOND, iso

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Lines(logging.Formatter):
    """A record as one JSON object: `time` (UTC), `level`, `process`, `logger`, `message`, and `about`, the message without what was put into it.

    `about` is the same for all records of one line of code: count and group by that. `trace` is there for a fault of ours.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        told = {
            "time": iso(round(record.created * SECOND)),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            "about": str(record.msg),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode({name: _whole(text) for name, text in told.items()}).decode()


def _whole(text: str) -> str:
    """Half a character, as a file's name may hold, is spelled out: no record is lost for it."""
    return text.encode(errors="backslashreplace").decode()


def set_up(level: int, verb: str, env: Mapping[str, str]) -> None:
    """Write to standard error as the environment says; raises BadInput for a form that nobody knows."""
    form = env.get(LOG, "") or "text"
    if form not in ("text", "json"):
        raise BadInput(f"{LOG} is {form!r}; it can be text or json")
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(Lines(env.get(PROCESS) or verb or "tutela"))
    else:
        formatter = logging.Formatter(TEXT)
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would name every post of the demonstration city
