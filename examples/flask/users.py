"""Who may sign in, and which customer they belong to. Stands for the users in your database."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    email: str
    tenant_id: str
    salt: bytes
    password_hash: bytes


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def _user(email: str, tenant_id: str, password: str) -> User:
    salt = secrets.token_bytes(16)
    return User(email, tenant_id, salt, _hash(password, salt))


USERS = {user.email: user for user in (
    _user("ada@acme.example", "acme", "analytical engine"),
    _user("grace@globex.example", "globex", "nanoseconds of wire"),
)}


def find_user(email: str, password: str) -> User | None:
    """The user with this password. An unknown address takes as long as a wrong password."""
    user = USERS.get(email.strip().lower())
    known = user or next(iter(USERS.values()))
    matches = hmac.compare_digest(_hash(password, known.salt), known.password_hash)
    return user if matches else None
