"""A package in a folder, as an installer leaves it: with a RECORD of its files and their hashes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path


def record(site: Path, info: Path, *but: str) -> None:
    """Write the RECORD of the package of that dist-info: of all that lies there, but what another package has."""
    others = {path for other in site.glob("*.dist-info") if other != info for path in _named(other)}
    lines = []
    for path in sorted(site.rglob("*")):
        told = path.relative_to(site).as_posix()
        if path.is_file() and path.suffix != ".pyc" and told not in others and path.name not in ("RECORD", *but):
            digest = urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode().rstrip("=")
            lines.append(f"{told},sha256={digest},{path.stat().st_size}\n")
    lines.append(f"{info.name}/RECORD,,\n")
    (info / "RECORD").write_text("".join(lines))


def _named(info: Path) -> list[str]:
    known = info / "RECORD"
    named = known.read_text().splitlines() if known.exists() else []
    return [*(line.split(",")[0] for line in named), *(f"{info.name}/{path.name}" for path in info.iterdir())]
