"""What can be set from outside, and nothing else: a data directory, addresses of engines, two ports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tutela.backends.trust import HERE, read
from tutela.errors import BadInput, EngineDown

DATA = "TUTELA_DATA"
LAKE = "TUTELA_LAKE"
PORT = "TUTELA_PORT"
MQTT_PORT = "TUTELA_MQTT_PORT"
METRICS = "TUTELA_METRICS_PORT"
PROCESS = "TUTELA_PROCESS"
LOG = "TUTELA_LOG"
SITE = "TUTELA_SITE"
COMMENT_DAYS = "TUTELA_COMMENT_DAYS"
TSA = "TUTELA_TSA"
TSA_INSIDE = "TUTELA_TSA_INSIDE"
OIDC_ISSUER = "TUTELA_OIDC_ISSUER"
OIDC_CLIENT = "TUTELA_OIDC_CLIENT"
OIDC_SECRET_FILE = "TUTELA_OIDC_SECRET_FILE"  # noqa: S105  a path's name
OIDC_NAME = "TUTELA_OIDC_NAME"
OIDC_INSIDE = "TUTELA_OIDC_INSIDE"
OIDC_CA = "TUTELA_OIDC_CA"
SYSTEM = Path("/var/lib/tutela/default")
FIRST_PORT = 8466
"""Where `tutela up` listens, if nobody else does."""
FIRST_METRICS = 9466
"""Likewise, for whoever gathers metrics."""
FIRST_MQTT_PORT = 1883
"""The same for MQTT."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An identity provider (OpenID Connect): what it calls itself and us, what people call it, and whether it may be inside of the house."""

    issuer: str
    client: str
    name: str
    secret_file: str = ""
    inside: bool = False
    ca: str = ""

    def secret(self) -> str:
        """What we and the provider share; empty for none. Read anew each time, so that it can be changed."""
        if not self.secret_file:
            return ""
        try:
            return Path(self.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as wrong:
            raise EngineDown(f"{OIDC_SECRET_FILE}: {self.secret_file} can't be read: {wrong}") from wrong


@dataclass(frozen=True, slots=True)
class Settings:
    """`data`: the instance's directory. `env`: the whole environment. `port`, `mqtt_port`: None, any that is free."""

    data: Path
    env: Mapping[str, str]
    port: int | None = None
    mqtt_port: int | None = None

    @property
    def lake(self) -> str:
        """Where Parquet files go: a directory, or an object store's address."""
        return self.env.get(LAKE) or str(self.data / "lake")

    @property
    def process(self) -> str:
        """What this process is called in metrics and logs; empty when nobody gave it a name."""
        return self.env.get(PROCESS, "")

    @property
    def site(self) -> str:
        """The address at which people reach this, as in https://city.example; empty when nobody said so."""
        text = self.env.get(SITE, "")
        told = urlsplit(text)
        if text and not (told.scheme == "https" and told.hostname and text == f"https://{told.netloc}"):
            raise BadInput(f"{SITE} is {text!r}; give the address without a path, such as https://city.example")
        return text

    @property
    def comment_days(self) -> int:
        """For how many days residents can comment on a capability before it is armed."""
        text = self.env.get(COMMENT_DAYS, "14")
        if not (text.isdigit() and int(text) <= 366):
            raise BadInput(f"{COMMENT_DAYS} is {text!r}; give a number of days from 0 to 366")
        return int(text)

    @property
    def tsa(self) -> str:
        """The time stamping authority that stamps evidence (RFC 3161), as in https://tsa.example; empty: nobody does."""
        return self.env.get(TSA, "")

    @property
    def tsa_inside(self) -> bool:
        """Whether it may be asked at an address that is not on the public Internet."""
        return self.env.get(TSA_INSIDE, "") == "yes"

    @property
    def oidc(self) -> OidcSettings | None:
        """The city's own identity provider; None: there is none."""
        issuer, client = self.env.get(OIDC_ISSUER, ""), self.env.get(OIDC_CLIENT, "")
        if not issuer:
            return None
        told = urlsplit(issuer)
        if not told.hostname or told.scheme not in ("https", "http") or told.query or told.fragment or told.username:
            raise BadInput(
                f"{OIDC_ISSUER} is {issuer!r}; give it as the provider writes it, as in https://id.city.example"
            )
        if not client:
            raise BadInput(f"{OIDC_ISSUER} is set and {OIDC_CLIENT} is not; give the id that the provider has for us")
        return OidcSettings(
            issuer=issuer,
            client=client,
            name=self.env.get(OIDC_NAME, "") or told.hostname,
            secret_file=self.env.get(OIDC_SECRET_FILE, ""),
            inside=self.env.get(OIDC_INSIDE, "") == "yes",
            ca=self.env.get(OIDC_CA, ""),
        )

    @property
    def metrics_port(self) -> int | None:
        """The port of the metrics; None, any that is free."""
        return _port(self.env, METRICS)

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs to find the same instance."""
        return {**self.env, DATA: str(self.data)}


def settings(data: Path | None = None, port: int | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process: what is given, else the environment, else the usual places.

    From then on, packages that are trusted there may bring parts here.
    """
    known = os.environ if env is None else env
    chosen = (data or (Path(known[DATA]) if known.get(DATA) else _usual(known))).expanduser().resolve()
    HERE.allow(read(chosen))
    return Settings(chosen, known, port or _port(known, PORT), _port(known, MQTT_PORT))


def _port(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "")
    if text and not (text.isdigit() and 0 < int(text) < 65536):
        raise BadInput(f"{name} is {text!r}; give a port between 1 and 65535")
    return int(text) if text else None


def _usual(env: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return SYSTEM
    home = env.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "tutela" / "default"
