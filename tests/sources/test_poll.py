"""Polling: what is new is taken once, secrets stay at home, nobody is led into the city's own network, garbage is lived with."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutela import parts
from tutela.errors import BadInput
from tutela.model.flow import Receipt
from tutela.model.when import SECOND
from tutela.sources.poll import Poll, _public
from tutela_promises.intake import FakeIntake, Kept, run


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class Site:
    """A server that sends these bytes, one for each request, the last one again and again; and what it was asked."""

    answers: list[bytes]
    base: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            writer.write(self.answers[min(len(self.asked), len(self.answers)) - 1])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has seen enough
        finally:
            writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    one = Site([answer(b"first")])
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield one


def poll(site: Site, path: str = "/feed", **options: object) -> Poll:
    told = {"url": site.base + path, "allow_private": True, **options}
    made: Poll = parts.make("sources", "poll", told)
    return made


async def test_a_body_is_taken_and_then_it_waits(site: Site) -> None:
    intake = await run(poll(site, every=7), FakeIntake())

    assert intake.kept.bodies == [b"first"]
    assert (intake.waited, intake.wells, intake.troubles) == ([7.0], 1, [])


async def test_what_did_not_change_is_not_taken_again(site: Site) -> None:
    site.answers = [
        answer(b"first", 'ETag: "1"', "Last-Modified: Wed, 25 Nov 2026 08:00:00 GMT"),
        answer(status="304 Not Modified"),
        answer(b"second", 'ETag: "2"'),
    ]
    intake = await run(poll(site), FakeIntake(waits=3))

    assert intake.kept.bodies == [b"first", b"second"]
    assert 'if-none-match: "1"' in site.asked[1]
    assert "if-modified-since: wed, 25 nov 2026 08:00:00 gmt" in site.asked[1]
    assert intake.wells == 3


async def test_a_server_that_knows_no_conditions_is_not_heard_twice_with_the_same(site: Site) -> None:
    intake = await run(poll(site), FakeIntake(waits=3))

    assert intake.kept.bodies == [b"first"]


async def test_after_a_restart_it_goes_on_where_it_stopped(site: Site) -> None:
    site.answers = [answer(b"first", 'ETag: "1"'), answer(b"second", 'ETag: "2"')]
    kept = Kept()
    await run(poll(site), FakeIntake(kept=kept))
    await run(poll(site), FakeIntake(kept=kept))

    assert kept.bodies == [b"first", b"second"]
    assert 'if-none-match: "1"' in site.asked[1]


async def test_what_was_not_durable_when_it_was_killed_is_fetched_again(site: Site) -> None:
    site.answers = [answer(b"first", 'ETag: "1"')]
    kept = Kept()
    await run(poll(site), FakeIntake(kept=kept, dies=1))
    await run(poll(site), FakeIntake(kept=kept))

    assert kept.bodies == [b"first", b"first"]
    assert "if-none-match" not in site.asked[1]


async def test_another_address_begins_without_what_was_remembered_of_the_old_one(site: Site) -> None:
    site.answers = [answer(b"first", 'ETag: "1"')]
    kept = Kept()
    await run(poll(site), FakeIntake(kept=kept))
    await run(poll(site, "/other"), FakeIntake(kept=kept))

    assert "if-none-match" not in site.asked[1]
    assert kept.bodies == [b"first", b"first"]


@pytest.mark.parametrize("mark", [b"garbage", b"{}", b"[1]", b'{"url": 5}'])
async def test_a_mark_of_another_version_is_as_none(site: Site, mark: bytes) -> None:
    intake = await run(poll(site), FakeIntake(kept=Kept(remembered=mark)))

    assert intake.kept.bodies == [b"first"]


async def test_while_it_fails_it_comes_less_often_and_after_that_as_before(site: Site) -> None:
    site.answers = [answer(status="500 Oops")] * 3 + [answer(b"back")]
    intake = await run(poll(site, every=10), FakeIntake(waits=4))

    assert intake.waited == [20, 40, 80, 10]
    assert intake.troubles == [f"{site.base}/feed answers 500 Oops"] * 3
    assert intake.kept.bodies == [b"back"]


async def test_a_server_that_asks_for_rest_is_given_it(site: Site) -> None:
    site.answers = [answer(b"", "Retry-After: 300", status="429 Too Many Requests")]
    intake = await run(poll(site, every=10), FakeIntake())

    assert intake.waited == [300]


async def test_a_body_over_the_cap_is_cut_off(site: Site) -> None:
    site.answers = [answer(b"x" * 2000)]
    intake = await run(poll(site, most=1000), FakeIntake())

    assert intake.kept.bodies == []
    assert "more than 1000 bytes" in intake.troubles[0]


async def test_a_body_that_unpacks_beyond_the_cap_is_cut_off(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    site.answers = [answer(bomb, "Content-Encoding: gzip")]
    intake = await run(poll(site, most=1_000_000), FakeIntake())

    assert intake.kept.bodies == []
    assert "more than 1000000 bytes" in intake.troubles[0]


@pytest.mark.parametrize(
    ("body", "packed", "says"),
    [
        (gzip.compress(gzip.compress(b"\0" * 50_000_000)), "gzip, gzip", "packed as 'gzip, gzip'"),
        (b"x", "br", "packed as 'br'"),
        (b"x" * 20, "gzip", "no gzip"),
        (gzip.compress(b"half" * 500)[:-9], "gzip", "in the middle"),
    ],
    ids=["twice", "otherwise", "not at all", "in part"],
)
async def test_what_is_packed_otherwise_than_once_by_gzip_is_left(
    site: Site, body: bytes, packed: str, says: str
) -> None:
    site.answers = [answer(body, f"Content-Encoding: {packed}")]
    intake = await run(poll(site), FakeIntake())

    assert intake.kept.bodies == []
    assert says in intake.troubles[0]


@pytest.mark.parametrize(
    ("packed", "body"), [("gzip", gzip.compress(b"first")), ("identity", b"first")], ids=["gzip", "identity"]
)
async def test_a_body_comes_as_it_is_or_packed_once(site: Site, packed: str, body: bytes) -> None:
    site.answers = [answer(body, f"Content-Encoding: {packed}")]

    assert (await run(poll(site), FakeIntake())).kept.bodies == [b"first"]


async def test_a_body_that_did_not_change_is_read_again_when_something_in_it_is_due(site: Site) -> None:
    class Later(FakeIntake):
        async def take(self, body: bytes, topic: str = "") -> Receipt:
            due = 1_000_150 * SECOND if self.now < 1_000_150 * SECOND else None
            return replace(await super().take(body, topic), due=due)

    site.answers = [answer(b"first", 'ETag: "1"')]
    intake = await run(poll(site, every=60), Later(waits=7))

    assert intake.kept.bodies == [b"first", b"first"]
    assert ['if-none-match: "1"' in asked for asked in site.asked] == [False, True, True, False, True, True, True]


async def test_a_server_that_never_ends_is_left(site: Site) -> None:
    site.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"]
    intake = await run(poll(site, timeout=0.2), FakeIntake())

    assert intake.kept.bodies == []
    assert "can't be fetched" in intake.troubles[0]


async def test_a_server_that_is_not_there_is_a_trouble(unused_tcp_port: int) -> None:
    source = Poll(url=f"http://127.0.0.1:{unused_tcp_port}/", allow_private=True)
    intake = await run(source, FakeIntake())

    assert "can't be fetched" in intake.troubles[0]
    assert intake.wells == 0


# ── redirects and secrets ───────────────────────────────────────────────────────────────────────
async def test_a_redirect_is_followed_and_secrets_stay_with_the_host_that_was_named(site: Site) -> None:
    other = Site([answer(b"there")])
    server = await asyncio.start_server(other.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        site.answers = [answer(b"", f"Location: http://localhost:{port}/moved", status="302 Found")]
        intake = await run(poll(site, headers={"X-Key": "sesame"}, query={"key": "hidden"}, redirects=1), FakeIntake())

    assert intake.kept.bodies == [b"there"]
    assert "x-key: sesame" in site.asked[0]
    assert "get /feed?key=hidden " in site.asked[0]
    assert "sesame" not in other.asked[0]
    assert "hidden" not in other.asked[0]
    assert f"host: localhost:{port}" in other.asked[0]


async def test_a_circle_of_redirects_ends(site: Site) -> None:
    site.answers = [answer(b"", "Location: /feed", status="307 Temporary Redirect")]
    intake = await run(poll(site, redirects=2), FakeIntake())

    assert len(site.asked) == 3
    assert "more than 2 redirects" in intake.troubles[0]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x/", "http://", "http://[", ""])
async def test_a_redirect_to_what_is_no_web_address_is_not_followed(site: Site, target: str) -> None:
    site.answers = [answer(b"", f"Location: {target}", status="302 Found")]
    intake = await run(poll(site, redirects=1), FakeIntake())

    assert intake.kept.bodies == []
    assert len(intake.troubles) == 1


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a server at `localhost` that it certified."""

    ca: Path
    port: int


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[Authority]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "City CA")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ca.pem").write_bytes(pem)
    (tmp_path / "server.pem").write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server = await asyncio.start_server(Site([answer(b"sealed")]).serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield Authority(tmp_path / "ca.pem", server.sockets[0].getsockname()[1])


async def test_a_server_is_known_by_its_name_though_it_is_asked_at_the_address_that_was_looked_at(
    secure: Authority,
) -> None:
    source = Poll(url=f"https://localhost:{secure.port}/", allow_private=True, ca=str(secure.ca))
    intake = await run(source, FakeIntake())

    assert intake.troubles == []
    assert intake.kept.bodies == [b"sealed"]


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("localhost", False)])
async def test_a_server_with_another_name_or_authority_is_not_believed(
    secure: Authority, host: str, *, own: bool
) -> None:
    source = Poll(url=f"https://{host}:{secure.port}/", allow_private=True, ca=str(secure.ca) if own else "")
    intake = await run(source, FakeIntake())

    assert intake.kept.bodies == []
    assert "CERTIFICATE_VERIFY_FAILED" in intake.troubles[0]


async def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no certificates"):
        await Poll(url="https://example.org/", ca=str(tmp_path / "none.pem")).run(FakeIntake())


# ── the city's own network ──────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.1.2.3", "[::ffff:127.0.0.1]"])
async def test_an_address_inside_is_refused_unless_the_entry_allows_it(host: str) -> None:
    intake = await run(Poll(url=f"http://{host}:9/"), FakeIntake())

    assert "not on the public Internet" in intake.troubles[0]


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"]
)
async def test_where_a_cloud_tells_a_machine_its_secrets_is_allowed_by_no_entry(host: str) -> None:
    intake = await run(Poll(url=f"http://{host}:9/", allow_private=True), FakeIntake())

    assert "which no other machine has" in intake.troubles[0]


async def test_a_canary_on_this_machine_is_not_even_connected_to() -> None:
    heard: list[str] = []

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]", "0.0.0.0"):
            intake = await run(Poll(url=f"http://{host}:{port}/"), FakeIntake())

            assert intake.troubles, host
            assert not intake.kept.bodies
    assert not heard


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("::ffff:192.168.0.1", False),
        ("64:ff9b:1::a00:1", False),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
        ("::10.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:0:10.0.0.1", False),
    ],
)
def test_what_is_public_is_told_also_when_it_is_disguised(address: str, *, public: bool) -> None:
    assert _public(address) is public


async def test_a_public_server_cannot_lead_inside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our server stands for one on the Internet here."""
    monkeypatch.setattr("tutela.sources.poll._public", lambda address: address == "127.0.0.1" or _public(address))
    site.answers = [answer(b"", "Location: http://169.254.169.254/latest/meta-data", status="302 Found")]
    intake = await run(poll(site, allow_private=False), FakeIntake())

    assert len(site.asked) == 1
    assert "169.254.169.254, which no other machine has" in intake.troubles[0]


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://example.org/"},
        {"url": "example.org/feed"},
        {"url": "http://user:password@example.org/"},
        {"url": "https://example.org/", "every": 0.1},
        {"url": "https://example.org/", "redirects": 99},
        {"url": "https://example.org/", "headers": {"X-Key": "sesame\n"}},
        {"url": "https://example.org/", "headers": {"X-Key": "sesäme"}},
        {"url": "https://example.org/", "headers": {"X-Key: sesame": "1"}},
        {"url": "https://example.org/", "speed": 1},
        {},
    ],
)
def test_what_could_never_be_fetched_is_not_made(options: dict[str, object]) -> None:
    with pytest.raises(BadInput) as wrong:
        parts.make("sources", "poll", options)
    assert "ses" not in str(wrong.value)  # a secret is not told


# ── garbage ─────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300), st.binary(max_size=60).map(lambda head: b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nx")
    )
)
async def test_whatever_a_server_sends_it_goes_on(site: Site, sent: bytes) -> None:
    site.answers, site.asked = [sent], []
    intake = await run(poll(site, timeout=0.5), FakeIntake(waits=1))

    assert len(intake.waited) == 1
    assert len(intake.troubles) + len(intake.kept.bodies) == 1
