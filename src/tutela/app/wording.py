"""The words for people, in the language and zone of the instance."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from tutela.app.core import Core
from tutela.flow.explain import Sentences
from tutela.screens.sentences import language


def sentences(inside: Core) -> Sentences:
    """English; times in the city's zone."""
    return Sentences(language("en"), inside.known, ZoneInfo(inside.install.zone))
