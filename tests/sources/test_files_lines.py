"""Recorded JSON lines: whatever stands in a file, it is told in words and never ends the process."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.docs_support.pages import ROOT

from tutela.errors import BadInput
from tutela.sources.files import Recorded
from tutela.standards.mapping import read

MAPPING = read((ROOT / "src" / "tutela" / "sources" / "mappings" / "beijing-air.toml").read_text())


@pytest.mark.parametrize("line", ["null", "7", '"text"', "[1]", "nonsense", "\ufeff{}"])
def test_a_line_that_is_no_object_is_told_by_its_number(line: str, tmp_path: Path) -> None:
    file = tmp_path / "air.ndjson"
    file.write_text('{"time": 1}\n\n' + line + "\n", encoding="utf-8")

    with pytest.raises(BadInput, match=r"air\.ndjson can't be read: line 3 is no JSON object"):
        Recorded(file).read(MAPPING)


@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("lines") / "air.ndjson"
    file.write_bytes(body)

    with pytest.raises(BadInput):
        Recorded(file).read(MAPPING)
