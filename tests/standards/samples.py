"""Messages that others wrote, where they are at hand: `TUTELA_SAMPLES` names a folder with `messages/STANDARD/…` in it.

Their licences do not all allow them here. Tests that use them are skipped where they are absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def samples(standard: str, *, but: str = "") -> list[Path]:
    """The sample messages of a standard; the test is skipped where there are none."""
    folder = os.environ.get("TUTELA_SAMPLES")
    found = sorted(path for path in Path(folder or "/nowhere").glob(f"messages/{standard}/*") if path.is_file())
    if not found:
        pytest.skip(f"TUTELA_SAMPLES names no folder with messages/{standard}")
    return [path for path in found if not but or but not in path.name]
