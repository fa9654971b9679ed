"""The trap of the contract tests does catch what a detector must not do."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from tutela.model import when
from tutela_promises.traps import Trapped, trapped


def a_file() -> object:
    return Path(__file__).read_text(encoding="utf-8")


def the_environment() -> object:
    return os.getenv("HOME")


def a_socket() -> object:
    return socket.create_connection(("localhost", 1))


def the_clock() -> object:
    return time.time()


def the_time_of_day() -> object:
    return vars(when)["datetime"].now(UTC)


def chance() -> object:
    return random.random()


def chance_of_numpy() -> object:
    return np.random.default_rng()


ACTS = (a_file, the_environment, a_socket, the_clock, the_time_of_day, chance, chance_of_numpy)


@pytest.mark.parametrize("act", ACTS)
def test_a_part_that_acts_is_caught(act: Callable[[], object]) -> None:
    with trapped(), pytest.raises(Trapped, match="a detector"):
        act()


@pytest.mark.parametrize("act", [the_clock, the_time_of_day, chance, chance_of_numpy])
def test_afterwards_everything_works_again(act: Callable[[], object]) -> None:
    with trapped():
        pass

    assert act() is not None
