"""A part from outside that asks for a refused use is refused when it is found, whichever of them it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutela import parts
from tutela.backends.trust import HERE
from tutela.errors import Refused
from tutela.policy.refusals import NEVER

PART = """
from tutela.model.card import Card
from tutela.model.noun import Noun


class Seeing(Noun, frozen=True, kw_only=True):
    {fields}
    card = Card(finds="f", needs=frozenset({needs}), key="datastream", lateness=0.0, personal_data=True, cannot="c")


part = Seeing
"""


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python looks into, as an installed package's, with entry points for detectors."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(HERE, "_everybody", True)
    return tmp_path


def bring(into: Path, name: str, module: str, needs: str = "{}", fields: str = "pass") -> None:
    """A package with one detector."""
    (into / f"{module}.py").write_text(PART.format(needs=needs, fields=fields))
    told = into / f"{module}-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[tutela.detectors]\n{name} = {module}\n")


@pytest.mark.parametrize("id_", NEVER)
def test_a_part_whose_card_needs_what_nobody_may_have_is_refused(id_: str, brought: Path) -> None:
    needs = NEVER[id_].names[0]
    module = f"brought_{id_.replace('-', '_').lower()}"
    bring(brought, "seeing", module, needs=repr({needs, "*"}))

    with pytest.raises(Refused) as error:
        parts.load("detectors", "seeing")

    assert error.value.policy == id_
    assert error.value.message == (
        f"{NEVER[id_].says} seeing in detectors, of {module}, asks for it by {needs!r}: leave that out."
    )


def test_a_part_with_a_field_for_it_is_refused(brought: Path) -> None:
    bring(brought, "looking", "brought_field", fields="skin_tone: str = 'any'")

    with pytest.raises(Refused) as error:
        parts.load("detectors", "looking")

    assert error.value.policy == "R05-protected-traits"


def test_a_part_that_is_called_that_is_refused(brought: Path) -> None:
    bring(brought, "emotion", "brought_name")

    with pytest.raises(Refused) as error:
        parts.load("detectors", "emotion")

    assert error.value.policy == "R04-emotion"


def test_a_part_that_asks_for_nothing_of_it_is_found(brought: Path) -> None:
    bring(brought, "hearing", "brought_fine", needs=repr({"glass-breaks"}), fields="loudest: float = 1.0")

    assert parts.load("detectors", "hearing").card.needs == {"glass-breaks"}
