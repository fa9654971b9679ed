"""What is set from outside and can't be so stops with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutela.app.settings import settings
from tutela.errors import BadInput


@pytest.mark.parametrize("site", ["", "https://city.example", "https://city.example:8443"])
def test_a_site_is_an_address_without_a_path(tmp_path: Path, site: str) -> None:
    assert settings(tmp_path, env={"TUTELA_SITE": site}).site == site


@pytest.mark.parametrize(
    "site", ["city.example", "http://city.example", "https://city.example/", "https://city.example/x", "https://", "x"]
)
def test_a_site_that_is_none_is_told(tmp_path: Path, site: str) -> None:
    with pytest.raises(BadInput, match=r"TUTELA_SITE is .* such as https://city.example"):
        _ = settings(tmp_path, env={"TUTELA_SITE": site}).site
