"""Embed tokens taken apart and put together wrongly, as an attacker would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

Json = dict[str, Any]


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[Json, Json, str]:
    """Header, payload and signature."""
    header, payload, signature = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload)), signature


def join(header: Json, payload: Json, signature: str) -> str:
    return ".".join([encode(json.dumps(header).encode()), encode(json.dumps(payload).encode()), signature])


def sign(header: Json, payload: Json, secret: bytes, algorithm: str = "sha256") -> str:
    """A token with a right signature of a wrong secret."""
    unsigned = join(header, payload, "").rstrip(".")
    return f"{unsigned}.{encode(hmac.new(secret, unsigned.encode(), getattr(hashlib, algorithm)).digest())}"
