"""A request as a value, and how its answer is read: what the sync and the async client share. Nothing here speaks to a network."""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from ._version import __version__
from .errors import EmbanError, error_from
from .events import plain

T = TypeVar("T")

USER_AGENT = f"emban-python/{__version__}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    #: It answers a repetition, whose first attempt may have been carried out although its answer was lost.
    repeated: bool = False

    @property
    def json(self) -> Any:
        """The body; None where it is empty or no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    @property
    def members(self) -> dict[str, Any]:
        """The body of a good answer, which is an object."""
        body = self.json
        if not isinstance(body, dict):
            raise EmbanError("the answer is not one of Emban's", code="http_error", status=self.status, request_id=self.request_id)
        return body

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers.get("retry-after"), time.time())

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def error(self) -> EmbanError:
        return error_from(self.status, self.json, request_id=self.request_id, retry_after=self.retry_after)


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that the header asks to wait, in either of its forms; None where it says nothing."""
    if header is None:
        return None
    try:
        return max(float(int(header)), 0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - now, 0)
    except (TypeError, ValueError):
        return None


def nothing(answer: Answer) -> None:
    """For 204."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and the value that its answer becomes."""

    method: str
    path: str
    read: Callable[[Answer], T]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether sending it again is harmless although it may have been carried out.
    repeatable: bool = True
    #: Statuses beside 2xx that `read` understands.
    also: frozenset[int] = frozenset()

    def value(self, answer: Answer) -> T:
        """Reads the answer, or raises the error that it is."""
        if answer.is_good or answer.status in self.also:
            return self.read(answer)
        if answer.status == 404 and answer.repeated and self.method == "DELETE":
            return self.read(answer)  # the attempt before this one did it
        raise answer.error()


def call(
    method: str, path: str, read: Callable[[Answer], T], *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None,
    revision: int | None = None, repeatable: bool = True, exact: bool = False,
) -> Call[T]:
    """A call with a JSON body. Members and parameters that are None are left out; with `exact` the body is the caller's own, where None says null."""
    headers: dict[str, str] = {}
    text: bytes | None = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        members = body if exact else {name: value for name, value in body.items() if value is not None}
        text = json.dumps(members, default=plain, allow_nan=False).encode()
    if revision is not None:
        headers["If-Match"] = f'"{revision}"'
    parameters = {name: str(value) for name, value in (query or {}).items() if value is not None}
    return Call(method, path, read, parameters, text, headers, repeatable)


def part(text: str) -> str:
    """An id or a name as one part of a path."""
    if not isinstance(text, str):
        raise TypeError(f"an id must be a str, not {type(text).__name__}")
    if not text or text in (".", ".."):
        raise ValueError("an id must not be empty")
    return quote(text, safe="")


# --- Where to, and as whom --------------------------------------------------------------------------------------------------


class Key(httpx.Auth):
    """An API key. It is put into the header at the last moment, so that no request, log, repr or traceback of ours holds it."""

    def __init__(self, text: str) -> None:
        text = text.strip()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            # httpx would quote the header in its error.
            raise ValueError("api_key must be printable ASCII without spaces, as eb_adm_…")

        def header() -> str:
            return f"Bearer {text}"

        self._header = header

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header()
        yield request

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled: make a client of its own in each process")


def configured(value: str | None, variable: str) -> str:
    found = value if value is not None else os.environ.get(variable)
    if not found or not found.strip():
        raise ValueError(f"give {'host' if variable == 'EMBAN_URL' else 'api_key'}, or set {variable}")
    return found


def base_of(host: str) -> str:
    """The server's address without a slash at its end."""
    text = host.strip().rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("host must be an address such as https://analytics.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("host must hold neither a user nor a query")
    return text


def own_timeout(timeout: float | httpx.Timeout | None) -> httpx.Timeout:
    """A number is for the answer, None for any time; connecting has ten seconds at most."""
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0):
        raise ValueError("timeout must be a number of seconds above 0, or None")
    return httpx.Timeout(timeout, connect=10.0 if timeout is None else min(timeout, 10.0))


def seconds_of(time: int | timedelta | None) -> int | None:
    return round(time.total_seconds()) if isinstance(time, timedelta) else time


def within(timeout: httpx.Timeout, seconds: float | None) -> httpx.Timeout:
    """The same, but no longer than `seconds`."""
    if seconds is None:
        return timeout
    most = max(seconds, 0.001)
    return httpx.Timeout(**{name: most if own is None else min(own, most) for name, own in timeout.as_dict().items()})


@dataclass(frozen=True)
class Target:
    """Where a client sends to, as whom, and how long it waits."""

    base: str
    key: Key
    timeout: httpx.Timeout


def target(host: str | None, api_key: str | None, timeout: float | httpx.Timeout | None) -> Target:
    return Target(base_of(configured(host, "EMBAN_URL")), Key(configured(api_key, "EMBAN_API_KEY")), own_timeout(timeout))
