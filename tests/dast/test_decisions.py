"""The page of security decisions is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.dast.test_code import below, imported

from tutela import parts
from tutela.app import pictures_inside
from tutela.app.backing_up import KEYS
from tutela.app.serve import BODY
from tutela.flow import id_token, oidc, passkeys, people
from tutela.flow.rates import ACTS, READS
from tutela.model.access import Ask
from tutela.model.when import HOUR, MINUTE
from tutela.policy.purposes import CLASSES
from tutela.screens import provider, resident_reports
from tutela.screens.guard import COOKIE
from tutela.screens.page import LARGEST
from tutela.sources import http, webhook

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "why" / "security-decisions.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """What stands under a heading."""
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_how_people_come_in_is_on_the_page() -> None:
    told = section("How people come in")

    assert f"{people.CODE * 8} random bits, good for {people.CODE_LASTS // HOUR} hour, once" in told
    assert f"session of {people.TOKEN * 8} random bits" in told
    assert f"| {people.SESSION_LASTS // HOUR} hours as that person" in told
    assert f"`{COOKIE}`" in told
    assert "several sessions at once" in told
    assert f"nobody did anything for {people.IDLE // MINUTE} minutes" in told
    assert f"sign-in there of the last {id_token.FRESH // 60} minutes" in told
    assert f"`{provider.JOURNEY}` on its way, for {oidc.LASTS // MINUTE} minutes" in told
    assert f"challenge good for {passkeys.CHALLENGE_LASTS // MINUTE} minutes, once" in told


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    told = section("Limits")

    assert f"reads of one person | {READS.burst} at once, {READS.each_second:.0f} a second" in told
    assert f"acts of one person | {ACTS.burst} at once, {ACTS.each_second:.0f} a second" in told
    assert f"a body of a person | {BODY} bytes, a form {LARGEST}" in told
    assert f"read in pieces | {http.MOST} bytes" in told
    assert f"webhook | {webhook.MOST} bytes" in told
    assert f"report or post | {http.CALL} bytes" in told
    assert f"takes on | {people.BUDGETS[-1]} at most" in told


def test_every_use_of_cryptography_is_in_the_inventory() -> None:
    using = {name for name, what in imported() if below(what, {"cryptography", "hmac", "ssl"})}
    told = {f"tutela.{found}".replace("/", ".") for found in re.findall(r"`([\w/]+)\.py`", section("Cryptography"))}

    assert using <= told
    assert told == using | {"tutela.backends.outsider"}


def test_which_files_may_come_is_on_the_page() -> None:
    told = section("Limits")

    for what in pictures_inside.FORMATS:
        assert what.casefold() in told.casefold()
    assert (
        f"{resident_reports.LARGEST // 10**6} MB with its form, {pictures_inside.PIXELS // 10**6} million pixels"
        in told
    )
    assert f"at {pictures_inside.SIDE} pixels" in told


def test_every_key_is_on_the_page() -> None:
    told = section("Keys")

    for key in (*KEYS, "witness.key", "data keys", "tokens of sources"):
        assert key in told
    assert "quantum" in section("Cryptography")


def test_every_class_is_on_the_page() -> None:
    named = set(re.findall(r"`([\w-]+)`", section("Data")))

    assert named == {record.name for record in CLASSES.values() if record.personal_data}


def test_everything_that_connects_is_on_the_page() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", section("What speaks with what"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    ours = {name for name, module in parts.names("sources").items() if module.startswith("tutela.")}

    assert told == ours


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("Role", "access"),
        ("purpose", "access"),
        ("legal basis", "access"),
        ("case", "access"),
        ("class", "record_class"),
        ("purposes", "record_purposes"),
        ("agency", "agency"),
        ("retention", "expires"),
        ("about\npeople", "personal_data"),
    ],
)
def test_what_a_decision_looks_at_is_on_the_page(word: str, field: str) -> None:
    assert word in section("What a decision looks at")
    assert field in Ask.__struct_fields__


def test_what_has_to_fit_together_is_on_the_page() -> None:
    told = section("What has to fit together")

    for rule in ("starts before it ends", "an alert or from a call, not from both", "within its timeline's window"):
        assert rule in told


def test_every_log_is_on_the_page() -> None:
    told = section("Logs")

    for log in ("the log of events", "`log/NAME.log`", "metrics", "traces"):
        assert log in told
