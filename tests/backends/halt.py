"""A child that stands still, as one that hangs does."""

from __future__ import annotations

import os
import signal

from tutela.backends.children import Child


def freeze(child: Child) -> None:
    """Stop it where it is, and return when it stands: until then it may still answer."""
    assert child.pid
    child.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
