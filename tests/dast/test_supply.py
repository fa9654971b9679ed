"""What we are made of, and what is known against it: a bill that is whole, an audit that never calls clean what it didn't ask."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
PATIENCE = 120
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

FLAW = {
    "id": "PYSEC-2099-1",
    "summary": "made up",
    "details": "made up for this test",
    "affected": [
        {
            "package": {"name": "h3", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
            "versions": ["4.4.2", "4.5.0"],
        }
    ],
}


def environment() -> dict[str, str]:
    return {**os.environ, "VENV": str(Path(sys.executable).parents[1])}


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the bills, made as `make sbom` makes them."""
    folder = tmp_path_factory.mktemp("sbom")
    subprocess.run([ROOT / "scripts" / "sbom", folder], check=True, env=environment(), timeout=PATIENCE)
    return folder


@pytest.mark.parametrize("lock", ["core", "otel"])
def test_the_bill_names_every_package_of_the_lock_with_its_hashes(bills: Path, lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    bill = json.loads((bills / f"tutela-{lock}.cdx.json").read_text(encoding="utf-8"))
    hashes = {
        one["content"] for part in bill["components"] for other in part["externalReferences"] for one in other["hashes"]
    }

    assert len(PINNED.findall(text)) > 40
    assert {(part["name"], part["version"]) for part in bill["components"]} == set(PINNED.findall(text))
    assert hashes == set(HASH.findall(text))
    assert bill["metadata"]["component"]["name"] == "tutela"


@pytest.mark.parametrize("lock", ["core", "otel"])
def test_the_bill_is_as_the_schema_of_cyclonedx_says(bills: Path, lock: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = (bills / f"tutela-{lock}.cdx.json").read_text(encoding="utf-8")

    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"components"', '"parts"')) is not None


def test_every_package_of_every_lock_is_checked_against_its_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        for entry in re.split(r"^(?=[a-z0-9._-]+==)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            assert HASH.search(entry), (path.name, entry[:60])
    assert "--require-hashes" in (ROOT / "scripts" / "install").read_text(encoding="utf-8")


def small(folder: Path, *names: str) -> Path:
    """A slice of the lock."""
    entries = re.split(r"^(?=[a-z0-9._-]+==)", (ROOT / "requirements" / "core.txt").read_text(), flags=re.MULTILINE)
    path = folder / "slice.txt"
    path.write_text("".join(entry for entry in entries if entry.partition("==")[0] in names))
    return path


@contextmanager
def advisories(answers: Mapping[str, Any], status: int = 200) -> Iterator[str]:
    """A service that speaks as api.osv.dev does; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answers.get(asked["package"]["name"], {})).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


def audit(lock: Path, address: str) -> tuple[int, str]:
    """The status, and what is said."""
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "audit.py", "--osv-url", address, lock],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment(),
    )
    assert not ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


def test_packages_that_nothing_is_known_against_are_told_so(tmp_path: Path) -> None:
    with advisories({}) as address:
        status, says = audit(small(tmp_path, "h3", "msgspec"), address)

    assert (status, "2 packages asked about" in says, "nothing is known" in says) == (0, True, True)


def test_what_is_known_is_told_with_its_number_and_what_mends_it(tmp_path: Path) -> None:
    version = dict(PINNED.findall((ROOT / "requirements" / "core.txt").read_text()))["h3"]
    flaw = {**FLAW, "affected": [{**FLAW["affected"][0], "versions": [version]}]}  # type: ignore[dict-item]  # a list of one
    with advisories({"h3": {"vulns": [flaw]}}) as address:
        status, says = audit(small(tmp_path, "h3", "msgspec"), address)

    assert status == 1
    assert f"KNOWN: slice.txt: h3 {version}: PYSEC-2099-1; mended in 99.0" in says
    assert "nothing is known" not in says


@pytest.mark.parametrize("status", [None, 500, 403])
def test_a_service_that_does_not_answer_is_never_called_clean(tmp_path: Path, status: int | None) -> None:
    lock = small(tmp_path, "h3", "msgspec")
    if status is None:
        ended, says = audit(lock, "http://127.0.0.1:9/v1/query")
    else:
        with advisories({}, status) as address:
            ended, says = audit(lock, address)

    assert ended == 3
    assert "NOT CHECKED: slice.txt: none of its 2 packages" in says
    assert "nothing is known" not in says


def test_a_lock_without_packages_is_never_called_clean(tmp_path: Path) -> None:
    assert audit(small(tmp_path), "http://127.0.0.1:9/v1/query")[0] == 3


def test_security_says_in_which_time_a_weak_library_is_replaced() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")

    assert "make audit" in text
    assert "make sbom" in text
    for word in ("critical", "high", "NOT CHECKED", "within"):
        assert word in text
    assert "make audit" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
