"""HTTP: a body fetched again and again, read by the connection's standard. RSS, GTFS-RT, DATEX II, JSON: whatever has an address.

What has not changed is not sent again where the server knows `ETag` or `Last-Modified`. Addresses inside of the city's own
network are refused, at each redirect and at the moment of connecting, unless the entry says `allow_private = true`, and
those that each machine has to itself (link-local, where clouds keep a machine's secrets) whatever it says: an address that somebody else chooses (a redirect, a name server) must not make this machine ask its neighbours (OWASP: server-side
request forgery). Proxies of the environment are not used, for the same reason.
Source: RFC 9110 (13: conditional requests, 15.4: redirects, 10.2.3: Retry-After).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated, ClassVar

import httpx
import msgspec

from tutela import __version__
from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun

NAT64 = ipaddress.ip_network("64:ff9b::/96")
GIVEN_OUT = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is the public Internet. What lies beside it may lead to an older address, in one more form than was thought of."""
METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200"))
"""Where clouds tell a machine its secrets, beside 169.254.169.254, which is link-local."""
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Of a header (RFC 9110, 5.6.2)."""
PLAIN = ("", "identity")
PACKED = (*PLAIN, "gzip", "x-gzip")
GZIP = 16 + zlib.MAX_WBITS
MOVED = {301, 302, 303, 307, 308}
UNCHANGED = 304
WAITS = (429, 503)
LONGEST_WAIT = 3600.0
"""Seconds that a server may ask us to stay away."""


class _Mark(msgspec.Struct, frozen=True):
    """What the server said of the body that was taken last from this address.

    `due`: when (microseconds) it has to be read again though it is the same, for what was ahead of its time; 0: never.
    """

    url: str
    etag: str = ""
    modified: str = ""
    sha256: str = ""
    due: int = 0


class Away(Exception):
    """It can't be fetched now. `after`: seconds that the server asks for."""

    def __init__(self, says: str, after: float = 0.0) -> None:
        super().__init__(says)
        self.after = after


class Poll(Noun, frozen=True, kw_only=True):
    """`url` is fetched each `every` seconds.

    `headers` and `query` are secret: keys, tokens. `most`: bytes of a body, unpacked. `timeout`: seconds until a whole answer
    has come. `redirects`: how many are followed; secrets only go to the host of `url`. `ca`: a file with the certificates of an
    authority of your own (PEM), in place of those that this machine trusts.
    """

    sealed: ClassVar[frozenset[str]] = frozenset({"headers", "query"})
    card: ClassVar[Card] = Card(
        finds="What a feed or an API answers over HTTP.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Know what came and went between two fetches; sign in with anything but headers and parameters.",
    )

    url: str
    every: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    allow_private: bool = False
    most: Annotated[int, msgspec.Meta(ge=1, le=256_000_000)] = 16_000_000
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    redirects: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    ca: str = ""

    def __post_init__(self) -> None:
        """Refuse an address that could never be fetched, or that would show a secret."""
        url = _url(self.url)
        if url.userinfo:
            raise BadInput("an address with a password in it would be shown to people; put it into a secret header")
        if not all(NAME.fullmatch(name) and _sayable(value) for name, value in self.headers.items()):
            # Neither is quoted: what is wrong here may be a secret that went astray.
            raise BadInput(
                "a header is a name and one line of plain characters (ASCII), without a space or line feed at its ends;"
                " one of those given is not"
            )

    async def run(self, intake: Intake) -> None:
        """Fetch for ever."""
        failures = 0
        # Connections are not kept: each fetch looks at where the name leads now.
        limits = httpx.Limits(max_keepalive_connections=0)
        trusted = await asyncio.to_thread(self._trusted)
        async with httpx.AsyncClient(trust_env=False, timeout=self.timeout, limits=limits, verify=trusted) as client:
            while True:
                after = 0.0
                try:
                    await self._fetch(client, intake)
                except Away as away:
                    intake.trouble(str(away))
                    failures, after = failures + 1, away.after
                else:
                    failures = 0
                await intake.wait(max(after, pause(self.every, failures, intake.chance())))

    def _trusted(self) -> ssl.SSLContext:
        """Whom a server has to be certified by; raises BadInput for a file that holds no certificates."""
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as wrong:
            raise BadInput(f"ca = {self.ca!r} holds no certificates that can be read: {wrong}") from wrong

    async def _fetch(self, client: httpx.AsyncClient, intake: Intake) -> None:
        """One fetch: what is new is heard, and then remembered."""
        mark = _marked(await intake.mark(), self.url)
        if mark.due and intake.clock() >= mark.due:
            mark = _Mark(self.url)
        try:
            async with asyncio.timeout(self.timeout):
                body, new = await self._body(client, mark)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, UnicodeError) as wrong:
            raise Away(f"{self.url} can't be fetched: {wrong or type(wrong).__name__}") from wrong
        intake.well()
        if body is not None:
            receipt = await intake.take(body)
            await intake.remember(msgspec.json.encode(msgspec.structs.replace(new, due=receipt.due or 0)))

    async def _body(self, client: httpx.AsyncClient, mark: _Mark) -> tuple[bytes | None, _Mark]:
        """The body, or None when it is as it was; and what to ask with next time."""
        url, home = _url(self.url), _url(self.url)
        for _ in range(self.redirects + 1):
            own = (url.scheme, url.host, url.port) == (home.scheme, home.host, home.port)
            async with self._asked(client, url, mark, own=own) as answer:
                if answer.status_code not in MOVED:
                    return await self._read(answer, mark)
                url = _next(url, answer)
        raise Away(f"{self.url} leads on and on: more than {self.redirects} redirects")

    @asynccontextmanager
    async def _asked(
        self, client: httpx.AsyncClient, url: httpx.URL, mark: _Mark, *, own: bool
    ) -> AsyncIterator[httpx.Response]:
        """The answer of one server, at an address that was looked at: the name is not looked up a second time."""
        address = await address_of(url, allow_private=self.allow_private)
        headers = {"Host": url.netloc.decode(), "User-Agent": f"tutela/{__version__}", "Accept-Encoding": "gzip"}
        headers |= _conditions(mark) | (self.headers if own else {})
        asked = url.copy_merge_params(self.query) if own and self.query else url
        request = client.build_request(
            "GET", asked.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host}
        )
        client.cookies.clear()  # one answer's cookies are no business of the next
        answer = await client.send(request, stream=True)
        try:
            yield answer
        finally:
            await answer.aclose()

    async def _read(self, answer: httpx.Response, mark: _Mark) -> tuple[bytes | None, _Mark]:
        if answer.status_code == UNCHANGED:
            return None, mark
        if not answer.is_success:
            raise Away(f"{self.url} answers {answer.status_code} {answer.reason_phrase}", _retry_after(answer))
        said = answer.headers
        body = await self._unpacked(answer, said.get("content-encoding", "").strip().lower())
        new = _Mark(self.url, said.get("etag", ""), said.get("last-modified", ""), sha256(body).hexdigest())
        return (None if new.sha256 == mark.sha256 else body), new  # not every server knows that nothing has changed

    async def _unpacked(self, answer: httpx.Response, packed: str) -> bytes:
        """The body, as it is or out of one gzip: what is packed twice grows beyond measure before anybody can count it."""
        if packed not in PACKED:
            raise Away(f"{self.url} answers packed as {packed[:40]!a}; only gzip is understood, once")
        whole, came, gzip = bytearray(), 0, None if packed in PLAIN else zlib.decompressobj(GZIP)
        async for part in answer.aiter_raw():
            came += len(part)
            try:
                whole += part if gzip is None else gzip.decompress(part, self.most + 1 - len(whole))
            except zlib.error as wrong:
                raise Away(f"{self.url} sends what is no gzip: {wrong}") from wrong
            if max(came, len(whole)) > self.most:
                raise Away(f"{self.url} sends more than {self.most} bytes; raise `most` if that is right")
        if gzip is not None and came and not gzip.eof:
            raise Away(f"{self.url} stops in the middle of what is packed")
        return bytes(whole)


def _sayable(value: str) -> bool:
    """Whether it can be sent as the value of a header."""
    return value.isascii() and value.isprintable() and value == value.strip()


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as wrong:
        raise BadInput(f"{text[:100]!r} is no address: {wrong}") from wrong
    if url.scheme not in ("http", "https") or not url.host:
        raise BadInput(f"{text[:100]!r} is no address to fetch from; write it like https://example.org/feed")
    return url


def _next(url: httpx.URL, answer: httpx.Response) -> httpx.URL:
    try:
        return _url(str(url.join(answer.headers.get("location", ""))))
    except (BadInput, httpx.InvalidURL) as wrong:
        raise Away(f"{url.host} leads to where nothing can be fetched: {wrong}") from wrong


def _marked(mark: bytes, url: str) -> _Mark:
    """What was remembered, if it is of this address."""
    try:
        found = msgspec.json.decode(mark, type=_Mark) if mark else _Mark(url)
    except msgspec.DecodeError:
        return _Mark(url)  # of another version: then all is fetched once more
    return found if found.url == url else _Mark(url)


def _conditions(mark: _Mark) -> dict[str, str]:
    told = {"If-None-Match": mark.etag, "If-Modified-Since": mark.modified}
    return {name: value for name, value in told.items() if value}


def _retry_after(answer: httpx.Response) -> float:
    """Seconds after which the server wants to be asked again."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), LONGEST_WAIT) if answer.status_code in WAITS and said.isdecimal() else 0.0


async def address_of(url: httpx.URL, *, allow_private: bool) -> str:
    """An address of the host that may be asked. All that the name leads to have to be: one of them would be enough for harm."""
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if near := [address for address in addresses if _of_the_machine(address)]:
        raise Away(
            f"{url.host} is {near[0]}, which no other machine has: there a cloud tells a machine its secrets. No entry allows it"
        )
    inside = [address for address in addresses if not _public(address)]
    if inside and not allow_private:
        raise Away(
            f"{url.host} is {inside[0]}, which is not on the public Internet; if that is right, say allow_private = true"
        )
    return addresses[0]


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; when it is an older one in a newer one's clothes, the older one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        worn = ip.ipv4_mapped or ip.sixtofour or (ipaddress.ip_address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        return worn or ip
    return ip


def _of_the_machine(address: str) -> bool:
    """Whether it is none of a neighbour's, but one that each machine has to itself: link-local, or no address at all."""
    ip = _plain(address)
    return ip.is_link_local or ip.is_unspecified or ip in METADATA


def _public(address: str) -> bool:
    """Whether it is on the public Internet."""
    ip = _plain(address)
    return ip.is_global and not ip.is_multicast and (ip.version == 4 or ip in GIVEN_OUT)


part = Poll
