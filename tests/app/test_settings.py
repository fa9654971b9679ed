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


@pytest.mark.parametrize(("env", "days"), [({}, 14), ({"TUTELA_COMMENT_DAYS": "0"}, 0)])
def test_residents_can_comment_for_a_fortnight_unless_the_city_says_otherwise(
    tmp_path: Path, env: dict[str, str], days: int
) -> None:
    assert settings(tmp_path, env=env).comment_days == days


@pytest.mark.parametrize("text", ["", "-1", "367", "soon"])
def test_days_that_can_t_be_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"TUTELA_COMMENT_DAYS is .* from 0 to 366"):
        _ = settings(tmp_path, env={"TUTELA_COMMENT_DAYS": text}).comment_days
