"""The words for people, in the language and zone of the instance."""

from __future__ import annotations

from importlib.resources import files
from zoneinfo import ZoneInfo

import msgspec

from tutela.app.core import Core
from tutela.backends.trust import HERE
from tutela.errors import BadInput
from tutela.flow.explain import Language, Sentences
from tutela.screens.sentences import language

GROUP = "tutela.sentences"
"""Packages that bring detectors name a package here that holds their sentences: `en.toml`."""


class _Brought(msgspec.Struct, forbid_unknown_fields=True):
    sentences: dict[str, str]


def sentences(inside: Core) -> Sentences:
    """English; times in the city's zone."""
    return Sentences(words("en"), inside.known, ZoneInfo(inside.install.zone))


def words(name: str) -> Language:
    """The language of that name, with the sentences that trusted packages bring; none of ours is changed by these."""
    own, brought = language(name), dict[str, str]()
    for point in HERE.points(GROUP):
        brought |= _of(point.value, name)
    return msgspec.structs.replace(own, sentences={**brought, **own.sentences})


def _of(package: str, name: str) -> dict[str, str]:
    try:
        text = (files(package) / f"{name}.toml").read_bytes()
        return msgspec.toml.decode(text, type=_Brought).sentences
    except FileNotFoundError:
        return {}  # not in this language: then its alerts are told by id and parameters
    except (ImportError, OSError, msgspec.MsgspecError, ValueError) as wrong:
        raise BadInput(
            f"the sentences of {package} can't be read: {wrong}; {name}.toml has one table, [sentences]"
        ) from wrong
