"""What every part of tutela promises, as tests: `detector("rising")` and `source("gauge")` are classes of them.

Parts are found as tutela finds them: in their room, or by the entry points of what is installed. Nobody has to trust these first: no city
is at work here.
"""

from __future__ import annotations

import pytest

from tutela.backends.trust import HERE

HERE.allow_everybody()

# Before they are imported: so a promise that is not kept says what was compared.
for _module in ("changes", "detectors", "disturbed", "quality", "sources"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from .collected import detector, source  # noqa: E402  only now
from .sources import Other  # noqa: E402  as above

__all__ = ["Other", "detector", "source"]
