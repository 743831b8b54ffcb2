"""A small HTTP client over the standard library, and the one check that every error answer has to pass."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

COMMON_ERROR_FIELDS = {"error", "code", "message", "request_id", "details"}
#: What single errors say beyond the common members, by code or status.
MORE_ERROR_FIELDS: dict[object, set[str]] = {
    402: {"plan", "upgrade_to", "limit", "used"}, "revision_conflict": {"revision"},
    **dict.fromkeys(("sql_invalid", "sql_not_allowed", "sql_too_slow", "sql_too_large"), {"position"}),
    "no_valid_event": {"accepted", "rejected", "status", "errors"}, "not_ready": {"status", "stores", "spool"},
}

#: Traces of the inside that no answer may show: SQL, the stores' names, types, stacks, paths of sources and machines. As words of their own: the
#: random letters of a token or key spell any three of them sooner or later.
INTERNALS = re.compile(
    r"\b(SELECT|INSERT INTO|GROUP BY|WHERE|PREWHERE|UNION ALL|FORMAT JSON)\b|DB::|Code: \d+|ClickHouse|clickhouse|sqlite|\bGRDB|"
    r"emban\.events|SQL_emban|row polic|_expression|\.swift\b|Swift\.|\bNIO(?:[A-Z][a-z]|\b)|Fatal error|[Ss]tack ?trace|Thread \d|"
    r"/(tmp|root|home|usr|var|Users|Sources|private)/")


@dataclass
class Response:
    method: str
    path: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines() if line.strip()]

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def expect(self, status: int) -> Any:
        """The JSON body, after checking the status."""
        assert self.status == status, str(self)
        return self.json if self.body else None

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]} → {self.status} {self.body[:1500]!r}"


@dataclass
class Client:
    """Speaks to one server with fixed headers. Every request has a connection of its own, so that tests do not disturb each other."""

    base: str
    headers: dict[str, str] = field(default_factory=dict)

    def bearer(self, credential: str) -> Client:
        return Client(self.base, self.headers | {"Authorization": f"Bearer {credential}"})

    def with_headers(self, **headers: str) -> Client:
        return Client(self.base, self.headers | {name.replace("_", "-"): value for name, value in headers.items()})

    def request(
        self, method: str, path: str, *, body: Any = None, raw: bytes | str | None = None, headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None, timeout: float = 150,
    ) -> Response:
        """`body` is sent as JSON, `raw` as it is. `query` becomes the query string; values that are no strings are written as JSON."""
        sent = dict(self.headers)
        payload: bytes | None = None
        if raw is not None:
            payload = raw.encode() if isinstance(raw, str) else raw
        elif body is not None:
            payload = json.dumps(body).encode()
        if payload is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value is not None}
        if query:
            path += "?" + urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()})
        parts = urlsplit(self.base)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        try:
            try:
                connection.request(method, path, payload, sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a server may refuse a large upload before it has read all of it; its answer counts
            answer = connection.getresponse()
            return Response(method, path, answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Response:
        return self.request("POST", path, body=body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Response:
        return self.request("PUT", path, body=body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Response:
        return self.request("PATCH", path, body=body, **options)

    def delete(self, path: str, **options: Any) -> Response:
        return self.request("DELETE", path, **options)

    def pages(self, path: str, limit: int | None = None) -> list[Any]:
        """Every item of a paged list."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            query = {k: v for k, v in {"limit": str(limit) if limit else None, "cursor": cursor}.items() if v}
            page = self.get(path, query=query).expect(200)
            assert set(page) == {"data", "next_cursor"}
            items += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


def internals_in(text: str, sent: str = "") -> list[str]:
    """What of the inside an answer shows, apart from words that the caller had sent himself."""
    return [found.group() for found in INTERNALS.finditer(text) if found.group() not in sent]


def error_body(body: Any, status: int, sent: str = "") -> dict[str, Any]:
    """Checks the common error body: exactly its members, their types, one sentence, nothing of the inside."""
    more = MORE_ERROR_FIELDS.get(status) or MORE_ERROR_FIELDS.get(body.get("code")) or set()
    assert set(body) == COMMON_ERROR_FIELDS | more, f"members of the error body: {body}"
    assert body["error"] == body["message"] and len(body["message"]) > 5, body
    assert re.fullmatch(r"[a-z][a-z0-9_]*", body["code"]), body
    assert re.fullmatch(r"req_[A-Za-z0-9]{8,}", body["request_id"]), body
    assert isinstance(body["details"], list), body
    for detail in body["details"]:
        assert set(detail) == {"field", "code", "expected"}, detail
        assert re.fullmatch(r"[a-z][a-z0-9_]*", detail["code"]), detail
    assert not internals_in(json.dumps(body), sent), f"{internals_in(json.dumps(body), sent)} in {body}"
    return body


def expect_error(response: Response, status: int | set[int], code: str | set[str] | None = None, sent: str = "") -> dict[str, Any]:
    """Checks status, code and form of an error answer, and returns its body."""
    statuses = {status} if isinstance(status, int) else status
    assert response.status in statuses, str(response)
    assert response.header("Content-Type").split(";")[0] in ("application/json", "application/problem+json"), str(response)
    body = error_body(response.json, response.status, sent)
    if code is not None:
        assert body["code"] in ({code} if isinstance(code, str) else code), body
    request_id = response.header("X-Request-Id")
    assert request_id == body["request_id"], f"X-Request-Id {request_id!r} differs from the body's {body['request_id']!r}"
    return body
