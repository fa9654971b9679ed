"""The form of a sealed body: nonce (12 bytes) ‖ AES-256-GCM ciphertext and tag, bound to its bucket (NIST SP 800-38D).

The bucket is associated data: a body can't be moved to another bucket, even by somebody who holds both keys' names.
"""

from __future__ import annotations

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tutela.errors import Broken, NotFound, Refused
from tutela.model.when import iso

NONCE = 12
_IDS = b"tutela: ids of what people told, 1"
"""The label of the key that ids are made with: it serves for nothing else."""


def new_key() -> bytes:
    """A data key: 256 random bits."""
    return AESGCM.generate_key(256)


def close(data_key: bytes, bucket: str, plain: bytes) -> bytes:
    """The plain bytes, sealed."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(data_key).encrypt(nonce, plain, bucket.encode())


def disclose(data_key: bytes, bucket: str, sealed: bytes) -> bytes:
    """The plain bytes again; raises Broken when they were altered, or sealed for another bucket."""
    try:
        return AESGCM(data_key).decrypt(sealed[:NONCE], sealed[NONCE:], bucket.encode())
    except (InvalidTag, ValueError) as wrong:
        raise Broken(
            f"a sealed body of the bucket {bucket!r} was altered or belongs to another one; run `tutela verify`",
            bucket=bucket,
        ) from wrong


def ids_key(root: bytes) -> bytes:
    """The key that ids are made with, derived from the root key (HKDF, RFC 5869) for that alone."""
    return HKDF(SHA256(), length=32, salt=None, info=_IDS).derive(root)


def keyed(key: bytes, body: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of the body, under the key of ids."""
    return hmac.digest(key, body, "sha256")


def erased(bucket: str, at: int) -> Refused:
    """The key was destroyed, and with it all that it sealed."""
    return Refused(
        f"the bucket {bucket!r} was erased on {iso(at)}: what it held until then can't be read",
        policy="erased",
        bucket=bucket,
        at=at,
    )


def no_key(key: str) -> NotFound:
    """No such key."""
    return NotFound(f"there is no key {key!r} here; was the key store restored together with the database?", key=key)
