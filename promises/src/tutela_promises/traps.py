"""A trap for whoever reaches for the clock, for chance, for files or for sockets while it should think."""

from __future__ import annotations

import builtins
import io
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from types import ModuleType

import numpy as np
import pytest

TRAPS: dict[ModuleType, tuple[str, ...]] = {
    builtins: ("open",),
    io: ("open",),
    os: ("open", "urandom", "getenv"),
    socket: ("socket", "create_connection", "getaddrinfo"),
    subprocess: ("Popen", "run"),
    time: ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep"),
    random: ("random", "randint", "choice", "shuffle", "uniform", "getrandbits"),
    uuid: ("uuid1", "uuid4"),
    np.random: ("default_rng", "random", "randint", "normal", "shuffle"),
}


class Trapped(AssertionError):
    """A thinking part acted."""


class Timeless(datetime):
    """A datetime that knows no now."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Timeless:  # noqa: ARG003  it never answers
        raise Trapped("a detector asked for datetime.now")


def _trap(what: str) -> Callable[..., object]:
    def trap(*_args: object, **_named: object) -> object:
        raise Trapped(f"a detector used {what}")

    return trap


@contextmanager
def trapped() -> Iterator[None]:
    """While this lasts, acting raises. Modules of ours see a datetime without a now."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] == "tutela"]
    with pytest.MonkeyPatch.context() as patch:
        for module in ours:
            if vars(module).get("datetime") is datetime:
                patch.setattr(module, "datetime", Timeless)
        for module, names in TRAPS.items():
            for name in names:
                patch.setattr(module, name, _trap(f"{module.__name__}.{name}"))
        yield
