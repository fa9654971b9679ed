"""A real time stamping authority (OpenSSL's) stamps a bundle; its answer is checked by OpenSSL, and the bundle by the script."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.integration.running import free_port
from tests.screens.town import ORIGIN, town

from tutela.app.settings import TSA, TSA_INSIDE, Settings
from tutela.app.stamping import stamps
from tutela.backends.outsider import BROKEN, HOLDS, LOG, Key
from tutela.backends.outsider_bundle import STAMP, STAMPED, Bundle, check_bundle
from tutela.errors import BadInput, EngineDown
from tutela.model.evidence import Handover
from tutela.model.people import Role

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed (Debian: openssl)")

CONFIG = """
[req]
distinguished_name = dn
x509_extensions = ext
prompt = no
[dn]
CN = Tests' time stamps
[ext]
extendedKeyUsage = critical,timeStamping
basicConstraints = critical,CA:FALSE
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""


@dataclass
class Authority:
    """OpenSSL as an authority, over HTTP."""

    folder: Path
    url: str = ""
    status: int = 200
    spoils: bytes = b""
    asked: list[bytes] = field(default_factory=list)

    def openssl(self, *words: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["openssl", *map(str, words)], cwd=self.folder, capture_output=True, timeout=60, check=False
        )

    def begin(self) -> None:
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01")
        made = self.openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-config",
            "tsa.cnf",
            "-keyout",
            "tsa.key",
            "-out",
            "tsa.pem",
        )
        assert made.returncode == 0, made.stderr

    def reply(self, body: bytes) -> bytes:
        self.asked.append(body)
        (self.folder / "asked.tsq").write_bytes(body)
        done = self.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "asked.tsq", "-out", "told.tsr")
        assert done.returncode == 0, done.stderr
        return self.spoils or (self.folder / "told.tsr").read_bytes()

    def verifies(self, data: bytes, stamp: bytes) -> bool:
        (self.folder / "data").write_bytes(data)
        (self.folder / "stamp.tsr").write_bytes(stamp)
        return self.openssl("ts", "-verify", "-data", "data", "-in", "stamp.tsr", "-CAfile", "tsa.pem").returncode == 0


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    made = Authority(tmp_path)
    made.begin()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = made.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(made.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is said of it."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    made.url = f"http://127.0.0.1:{server.server_port}/stamp"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def settings(url: str, **more: str) -> Settings:
    return Settings(Path("nowhere"), {TSA: url, TSA_INSIDE: "yes", **more})


async def test_a_real_stamp_is_in_the_bundle_and_openssl_and_the_script_say_that_it_holds(authority: Authority) -> None:
    here = await town()
    boss, _ = await here.person(Role.SUPERVISOR, "Ada")
    alert = await here.alert()
    incident = await here.incidents.open_from_alert(here.access(boss), alert.id, "one")
    await here.signed()
    await here.agreement("A court", "R 1")
    makes = replace(here.evidence, stamps=stamps(settings(authority.url)))

    made = await makes.bundle(
        here.access(boss), incident.id, Handover(recipient="A court", agreement="R 1", reason="it asked")
    )

    key = Key(makes.key, LOG)
    status, lines = check_bundle(made, key, [])
    assert status == HOLDS, lines
    assert [line for line in lines if "a time stamp of 20" in line and "is over all that the manifest says" in line]
    assert [line for line in lines if "openssl ts -verify" in line]
    body = Bundle(made).body
    assert authority.verifies(body[STAMPED], body[STAMP])
    assert not authority.verifies(body[STAMPED] + b" ", body[STAMP])
    assert ORIGIN.encode() in body[STAMPED]

    # one that is over something else is found by the script, though this log signed the bundle with it
    async def other(_: bytes) -> bytes:
        asks = stamps(settings(authority.url))
        assert asks is not None
        return await asks(sha256(b"another").digest())

    wrong = await replace(makes, stamps=other).bundle(
        here.access(boss), incident.id, Handover(recipient="A court", agreement="R 1", reason="it asked")
    )
    status, lines = check_bundle(wrong, key, [])
    assert status == BROKEN
    assert [line for line in lines if f"{STAMP}: it is over something else" in line]


async def test_a_redacted_bundle_has_a_stamp_of_its_own(authority: Authority) -> None:
    here = await town()
    boss, _ = await here.person(Role.SUPERVISOR, "Ada")
    alert = await here.alert()
    incident = await here.incidents.open_from_alert(here.access(boss), alert.id, "one")
    await here.signed()
    await here.agreement("A court", "R 1")
    makes = replace(here.evidence, stamps=stamps(settings(authority.url)))
    handed = Handover(recipient="A court", agreement="R 1", reason="it asked")
    parent = await makes.bundle(here.access(boss), incident.id, handed)

    made = await makes.redacted(here.access(boss), incident.id, handed, parent)

    assert check_bundle(made, Key(makes.key, LOG), [], parent)[0] == HOLDS
    body = Bundle(made).body
    assert body[STAMPED] != Bundle(parent).body[STAMPED]
    assert authority.verifies(body[STAMPED], body[STAMP])


async def asked(where: Settings) -> bytes:
    asks = stamps(where)
    assert asks is not None
    return await asks(sha256(b"x").digest())


def test_without_a_setting_nobody_is_asked() -> None:
    assert stamps(Settings(Path("nowhere"), {})) is None


async def test_an_authority_inside_of_the_house_is_asked_only_when_somebody_said_so(authority: Authority) -> None:
    with pytest.raises(BadInput, match="not on the public Internet"):
        await asked(Settings(Path("nowhere"), {TSA: authority.url}))
    assert authority.asked == []

    assert await asked(settings(authority.url))


@pytest.mark.parametrize(
    "url", ["ftp://tsa.example", "tsa.example", "https://user:secret@tsa.example/", "file:///etc/passwd"]
)
async def test_what_is_no_address_of_an_authority_is_not_asked(url: str) -> None:
    with pytest.raises(BadInput, match="no address of a time stamping authority"):
        await asked(settings(url))


async def test_who_does_not_answer_or_answers_something_else_gives_no_stamp(authority: Authority) -> None:
    with pytest.raises(EngineDown, match="can't be asked"):
        await asked(settings(f"http://127.0.0.1:{free_port()}/"))
    authority.status = 302  # it is not followed anywhere
    with pytest.raises(BadInput, match="answers 302"):
        await asked(settings(authority.url))
    authority.status, authority.spoils = 200, b"x" * (1 << 20 | 1)
    with pytest.raises(BadInput, match="which is no time stamp"):
        await asked(settings(authority.url))
    authority.spoils = b"<html>"
    with pytest.raises(BadInput, match="no answer of a time stamping authority"):
        await asked(settings(authority.url))
