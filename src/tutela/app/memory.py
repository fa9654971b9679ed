"""What a process that runs for long does about its memory, so that nobody waits for it."""

from __future__ import annotations

import ctypes
import gc

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""

KEPT = 128 << 20
"""Bytes that were freed and may stay with the process."""

LARGEST = 32 << 20
"""Bytes of the largest array that is taken from there: more glibc does not allow."""


def settle() -> None:
    """To be called once a process has begun.

    What it holds by now it holds to its end: the collector need not look at it again, which it would every few seconds
    under load, for a tenth of a second at a time.
    """
    _keep_freed()
    gc.collect()
    gc.freeze()


def _keep_freed() -> None:
    """Arrays come and go by the thousand a second: glibc would give each one's pages back, and take them anew for the next.

    Other C libraries do as they like.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, LARGEST)
