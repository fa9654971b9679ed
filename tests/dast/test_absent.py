"""What docs/asvs.csv says this platform does not have: whoever adds it turns this red, and reads those rows again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient
from tests.dast.test_code import STATIC, below, imported, templates

Client = AsyncTestClient[Litestar]
ROOT = Path(__file__).parents[2]

ABSENT: dict[str, set[str]] = {
    "LDAP": {"ldap", "ldap3"},
    "LaTeX": {"pylatex", "latex"},
    "memcache": {"memcache", "pymemcache", "pylibmc", "aiomcache"},
    "mail": {"smtplib", "imaplib", "aiosmtplib", "poplib"},
    "SMS and telephone": {"twilio", "vonage", "messagebird"},
    "GraphQL": {"graphql", "strawberry", "ariadne", "graphene"},
    "WebRTC": {"aiortc", "pylibsrtp"},
    "SAML": {"saml2", "onelogin", "pysaml2"},
    "XPath and XSLT": {"lxml", "elementpath", "saxonche"},
    "JNDI": {"jpype", "jnius"},
    "markup that people write": {"markdown", "mistune", "docutils", "bleach", "nh3"},
    "archives of other sorts": {"rarfile", "py7zr"},
}
"""What ASVS has rows for, and the libraries that it would come with."""


@pytest.mark.parametrize("what", sorted(ABSENT))
def test_there_is_no(what: str) -> None:
    names = {name.replace("_", "-") for name in ABSENT[what]}
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "core.txt").read_text(), re.MULTILINE))

    assert locked
    assert not [pair for pair in imported() if below(pair[1], ABSENT[what])]
    assert not locked & names


def test_there_is_no_websocket(stranger: Client) -> None:
    assert all(isinstance(route, HTTPRoute) for route in stranger.app.routes)


def test_there_is_no_authorization_server(stranger: Client) -> None:
    """Nobody is given tokens for other programs here, and no consent is asked for in their name."""
    paths = " ".join(route.path for route in stranger.app.routes)

    assert not re.search(r"authorize|oauth|/token|\.well-known|consent|introspect|revoke", paths)


def test_there_is_no_logout_from_behind(stranger: Client) -> None:
    """A provider ends no session here, so that nobody who pretends to be one does."""
    paths = " ".join(route.path for route in stranger.app.routes)

    assert not re.search(r"logout|log-out|backchannel|back-channel", paths)


def test_there_is_no_password(stranger: Client) -> None:
    for name, text in templates():
        assert not re.search(r"type=\"?password", text), name
    described = str(stranger.app.openapi_schema.to_schema()).lower()
    assert "password" not in described


def test_a_photo_of_a_report_is_the_one_file_that_people_send(stranger: Client) -> None:
    """It is drawn anew before it is kept (tests/app/test_pictures.py), so that nothing but the picture is left of it."""
    assert [name for name, text in templates() if re.search(r"type=\"?file|multipart/form-data", text)] == [
        "report_more.html"
    ]
    described = stranger.app.openapi_schema.to_schema()["paths"]
    assert {path for path, one in described.items() if "multipart/form-data" in str(one)} <= {
        "/open311/v2/requests.{form}"
    }


def test_archives_are_opened_of_our_own_packages_and_bundles_alone() -> None:
    """What `tarfile` opens came with a wheel of the lock; what `zipfile` opens is a bundle of evidence, at the command line."""
    opened = {"tutela.backends.server_postgres", "tutela.flow.packing"}

    assert {name for name, what in imported() if below(what, {"tarfile", "zipfile"})} <= opened


def test_only_one_site_is_served_by_one_origin() -> None:
    assert not [path for path in STATIC.iterdir() if path.suffix not in {".css", ".js", ".svg"}]
