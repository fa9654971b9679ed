"""Eclipse Mosquitto, a broker that others keep, as a process of the tests."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed (Debian: mosquitto)")
PATIENCE = 30.0
OPEN = "allow_anonymous true"


@dataclass
class Mosquitto:
    """One broker; what it keeps lies in `folder`. `door` are its settings of who is let in, and how."""

    folder: Path
    port: int
    door: str = OPEN
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self.folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\n{self.door}\npersistence true\nautosave_interval 3600\n"
            f"persistence_location {self.folder}/\nuser root\nmax_inflight_messages 200\nmax_queued_messages 0\n"
        )
        assert PROGRAM is not None
        self.process = subprocess.Popen([PROGRAM, "-c", settings], stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("mosquitto does not listen")

    def save(self) -> None:
        """Have it write down all that it has."""
        file = self.folder / "mosquitto.db"
        file.unlink(missing_ok=True)
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE
        while not file.exists():
            assert time.monotonic() < end, "mosquitto does not save"
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def publish(self, topic: str, payload: str, *options: str) -> None:
        """As somebody else would, who is acknowledged."""
        program = shutil.which("mosquitto_pub")
        assert program is not None
        where = ("-h", "127.0.0.1", "-p", str(self.port))
        subprocess.run([program, *where, "-q", "1", "-t", topic, "-m", payload, *options], check=True)


def people(folder: Path, **passwords: str) -> str:
    """The settings of a broker that lets in only these people."""
    file = folder / "people"
    file.touch(0o600)
    for name, password in passwords.items():
        subprocess.run(["mosquitto_passwd", "-b", file, name, password], check=True, capture_output=True)
    return f"allow_anonymous false\npassword_file {file}"


def certified(folder: Path) -> tuple[Path, str]:
    """The certificate of an authority of one's own, and the settings of a broker that it certifies as 127.0.0.1."""
    ca, key, cert = folder / "ca.pem", folder / "key.pem", folder / "cert.pem"
    _certificate("/CN=an authority", folder / "ca.key", ca)
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
    _certificate("/CN=a broker", key, cert, "-CA", str(ca), "-CAkey", str(folder / "ca.key"), *named)
    return ca, f"certfile {cert}\nkeyfile {key}\n{OPEN}"


def _certificate(subject: str, key: Path, out: Path, *more: str) -> None:
    make = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    )
    where = ("-subj", subject, "-keyout", str(key), "-out", str(out))
    subprocess.run([*make, *where, *more], check=True, capture_output=True)


@contextmanager
def mosquitto(folder: Path, door: str = OPEN) -> Iterator[Mosquitto]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    one = Mosquitto(folder, port, door)
    one.start()
    try:
        yield one
    finally:
        one.kill()
