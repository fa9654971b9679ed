"""What alerts say, one file for each language."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from tutela.errors import PartMissing
from tutela.flow.explain import Language


def language(name: str = "en") -> Language:
    """The language of that name; raises PartMissing with those that there are."""
    folder = files(__name__)
    known = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    if name not in known:
        raise PartMissing(f"no sentences in {name!r}; there are: {', '.join(known)}")
    return msgspec.toml.decode((folder / f"{name}.toml").read_bytes(), type=Language)
