"""What an attacker sends, and what no answer may hold: requests changed in every place, and a world full of values that must stay hidden."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

from embantest.client import COMMON_ERROR_FIELDS, Client, Response, internals_in
from embantest.local_time import write
from embantest.workspace import Organization, Session, breakdown, event, kpi, table, timeseries, widget

Json = dict[str, Any]

NOW = datetime.now(timezone.utc)

#: Found in no answer that the viewer may have. Each says whose it is.
SECRET = re.compile(r"SECRET-[a-z]+")
#: Events that the restricted viewer may count; every other count in this world is far larger.
OWN = 24
#: A number of strangers that no sum of own numbers reaches.
HUGE = 7_654_321_000
LOCKED = {"model": "gpt-4"}
COMPOSED, DECOMPOSED = "\u00e9tat", "e\u0301tat"

#: Codes of answers under load, after which a request is sent again.
BUSY = {"event_store_busy", "query_timeout", "event_store_unavailable"}


def at(days: float) -> str:
    return write(int((NOW - timedelta(days=days)).timestamp() * 1_000))


def events() -> dict[str, list[Json]]:
    """The events of both organisations: those of `acme` that the restricted viewer may see, and all others."""
    def call(tenant: str, endpoint: str, model: str, days: float, name: str = "api.call", tokens: float = 10) -> Json:
        return event(
            tenant, name, timestamp=at(days), user_id=f"user-{endpoint}",
            string_props={
                "model": model, "endpoint": endpoint, "plan": "SECRET-dimension", "Model": "SECRET-dimension", "model ": "SECRET-dimension"}
            | ({COMPOSED: "open"} if endpoint == "/chat" else {DECOMPOSED: "SECRET-dimension"}),
            numeric_props={"tokens": tokens, "salary": 11.5})

    own = [call("acme", endpoint, "gpt-4", quarter / 4) for endpoint in ("/chat", "/embed") for quarter in range(1, OWN // 2 + 1)]
    # The viewer's session sees a week; the days between are nobody's, so that midnights of any zone do not matter.
    beyond = [call("acme", "SECRET-locked", model, n / 100) for n in range(300) for model in ("claude", "GPT-4", "gpt-4 ", "ｇｐｔ-4", "gpt-4\u0301")]
    beyond += [call("acme", "SECRET-old", "gpt-4", 12 + n) for n in range(500)]
    beyond += [call("acme", "SECRET-hidden", "gpt-4", n / 100, "secret.event", 1_000) for n in range(400)]
    foreign = [call(tenant, "SECRET-tenant", "gpt-4", n / 100, tokens=HUGE) for n in range(300) for tenant in ("mallory", "acme ", "ACME", "acme\u200b")]
    stranger = [call("acme", "SECRET-organization", "gpt-4", n / 100, tokens=HUGE) for n in range(900)]
    return {"own": own + beyond + foreign, "other": stranger}


WIDGETS: list[Json] = [
    kpi("w_calls", period="7d"), kpi("w_tokens", metric="sum", numeric_prop="tokens", period="90d"), timeseries("w_time", period="90d", compare="previous_period"),
    timeseries("w_series", group_by="model", granularity="month", period="12mo"), breakdown("w_models", "model", limit=100, period="12mo"),
    table("w_endpoints", "endpoint", limit=3, other=True, compare="previous_year", period="30d"),
    breakdown("w_two", "endpoint", second_metric="max", second_numeric_prop="tokens", period="90d"),
    widget("w_pivot", "table", {"group_by": "model", "group_by_2": "endpoint", "period": "12mo"}),
    widget("w_heat", "heatmap", {"period": "12mo"}), kpi("w_year", compare="previous_year", period="12mo"), timeseries("w_weeks", granularity="week", period="30d"),
    widget("w_hidden", "table", {"event_name": "secret.event", "group_by": "endpoint", "limit": 1000}, title="SECRET-hidden"),
    # No other widget groups by `plan`.
    breakdown("w_plans", "plan"),
]

FILTERS: list[Json] = [
    {"id": "f_period", "type": "period"}, {"id": "f_dates", "type": "date_range"}, {"id": "f_model", "type": "multi_select", "dimension": "model"},
    {"id": "f_endpoint", "type": "select", "dimension": "endpoint"}, {"id": "f_state", "type": "select", "dimension": COMPOSED},
    {"id": "f_plan", "type": "select", "dimension": "plan"}, {"id": "f_tokens", "type": "numeric_range", "property": "tokens"},
]

PERMISSIONS: Json = {
    "locked_filters": LOCKED, "hidden_widgets": ["w_hidden", "w_plans"], "allowed_dimensions": ["model", "endpoint", COMPOSED, "tokens"], "max_date_range_days": 7,
}


@dataclass
class Breach:
    """A request whose answer shows what it must not."""

    request: str
    answer: Response
    what: str

    def __str__(self) -> str:
        return f"{self.what}\n    {self.request[:600]}\n    {self.answer}"


@dataclass
class Request:
    """One request, and the secrets that it may rightly show."""

    method: str
    path: str
    raw: bytes | None = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    may_show: frozenset[str] = frozenset()
    client: Client | None = None
    #: Text that the author of a dashboard sent before, and finds in its answers.
    sent_before: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}{'?' if self.query else ''}{self.query} {self.raw!r}"

    def send(self, client: Client) -> Response:
        path = self.path + (f"?{self.query}" if self.query else "")
        return (self.client or client).request(self.method, path, raw=self.raw, headers=self.headers)


class Target:
    """Two organisations with the same names in them, and a viewer who may see a little of the first."""

    def __init__(self, organization: Organization, other: Organization) -> None:
        stored = events()
        self.organization, self.other = organization, other
        organization.ingest(stored["own"])
        other.ingest(stored["other"])
        self.dashboard = organization.create_dashboard(WIDGETS, filters=FILTERS, slug="usage", publish=True)["id"]
        self.foreign_dashboard = other.create_dashboard(
            [breakdown("w_calls", "endpoint", period="12mo")], name="SECRET-organization", slug="theirs", publish=True)["id"]
        self.session = self.restricted()
        self.free = organization.session("acme", self.dashboard)
        self.foreign = other.session("acme", self.foreign_dashboard)

    def restricted(self, **permissions: Any) -> Session:
        return self.organization.session("acme", self.dashboard, PERMISSIONS | permissions)

    # Verdict

    def verdict(self, request: Request, answer: Response) -> Breach | None:
        sent = f"{request.sent_before} {request} {unquote_plus(request.query, errors='replace')} {json.dumps(str(request), ensure_ascii=False)} {request.raw.decode(errors='replace') if request.raw else ''}"
        text = answer.body.decode(errors="replace")
        if answer.status >= 500 or answer.status not in (200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 431):
            return Breach(str(request), answer, f"status {answer.status}")
        if inside := internals_in(text, sent):
            return Breach(str(request), answer, f"shows {inside[:3]}")
        secrets = {secret for secret in SECRET.findall(text) if secret.removeprefix("SECRET-") not in request.may_show and secret not in sent}
        if secrets:
            return Breach(str(request), answer, f"shows {sorted(secrets)}")
        if answer.status >= 400:
            body = answer.json if text.startswith("{") else {}
            if not COMMON_ERROR_FIELDS <= set(body):
                return Breach(str(request), answer, "is not the common error body")
        elif not request.may_show and (largest := largest_value(text)) > OWN * 10:
            return Breach(str(request), answer, f"holds {largest}, more than the viewer's own events give")
        return None

    def attack(self, requests: Iterable[Request], client: Client | None = None, workers: int = 4) -> dict[int, int]:
        """Sends everything, several at a time; fails with every breach. Says how many answers had which status."""
        breaches: list[Breach] = []
        statuses: dict[int, int] = {}

        def send(request: Request) -> tuple[Request, Response]:
            answer = request.send(client or self.session.client)
            for _ in range(5):
                if answer.status != 503 or answer.json["code"] not in BUSY:
                    break
                time.sleep(float(answer.header("Retry-After") or 1))
                answer = request.send(client or self.session.client)
            return request, answer

        with ThreadPoolExecutor(workers) as pool:
            for number, (request, answer) in enumerate(pool.map(send, requests)):
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
                if breach := self.verdict(request, answer):
                    breaches.append(breach)
                if number % 400 == 399:
                    self.still_right()
        self.still_right()
        assert not breaches, f"{len(breaches)} of {sum(statuses.values())}\n" + "\n".join(map(str, breaches[:10]))
        return statuses

    def still_right(self) -> None:
        """The server answers, and right, whatever was sent before."""
        assert self.session.value("w_calls") == OWN
        assert self.organization.admin.get("/v1/query", query={"metric": "count", "tenant_id": "nobody"}).expect(200)["rows"][0]["value"] == 0


def largest_value(text: str) -> float:
    """The largest number of events or tokens in an answer."""
    numbers = [float(found) for found in re.findall(r'"(?:value|second_value|previous_value|count|tokens)":\s*(-?[0-9.eE+]+)', text)]
    return max(numbers, default=0)


# --- Mutations ------------------------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every node of a JSON value."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(member, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(value)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = new
    return changed


def removed(value: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    node = changed
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return changed


#: Every JSON type where another one belongs, and texts that are no texts for long.
WRONG: list[Any] = [
    {}, [], {"a": 1}, {"neq": ""}, {"$ne": None}, [[]], [["gpt-4"]], [{}], [None], None, True, False, 0, -1, 1.5, 10**18, 1e300, "", " ", "x", "0", "true",
    "' OR 1=1 --", "\\", "`", "\0", "a\nb", "\u202e", "*", "%", "{p0:String}", "SELECT 1", "a" * 5_000, ["a"] * 600,
]

#: Written as they are, where no library would write them so.
RAW: list[str] = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "01", "+1", "0x10", ".5", "1.", "1e", "-", "'a'", "undefined", "\"\\ud800\"", "\"\\udc00\\ud800\"",
    "\"\\u0000\"", "\"\\x41\"", "\"\t\"", "\"\\", "[1,]", "{\"a\":1,}", "/**/1", "9" * 400, "-0", "\"a", "[" * 70 + "]" * 70, "{\"a\":" * 70 + "1" + "}" * 70,
    "[" * 30_000,
]

BYTES: list[bytes] = [b"\"\xff\"", b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\"\xf5\x80\x80\x80\"", b"\"\xe2\x82\"", b"\x00", b"\xef\xbb\xbf1", b"\"\x80\""]

MARK = "@@place@@"


def mutations(body: Json, wrong: Iterable[Any] = WRONG) -> Iterator[bytes]:
    """A valid body, changed in one place at a time."""
    whole = json.dumps(body)
    wrong = list(wrong)
    for path in places(body):
        for new in wrong:
            yield json.dumps(replaced(body, path, new)).encode()
        marked = json.dumps(replaced(body, path, MARK))
        for raw in RAW:
            yield marked.replace(f'"{MARK}"', raw).encode()
        for data in BYTES:
            yield marked.encode().replace(f'"{MARK}"'.encode(), data)
        if path and isinstance(path[-1], str):
            yield json.dumps(removed(body, path)).encode()
            name, member = path[-1], json.dumps(path[-1])
            for other in (name.upper(), name.capitalize(), f"{name} ", f" {name}", f"{name}\u200b", f"{name}\0", f"{name}\u0301"):
                yield whole.replace(f"{member}:", f"{json.dumps(other, ensure_ascii=False)}:", 1).encode()
            # The same member twice, written alike and written with an escape.
            escaped = f'"\\u{ord(name[0]):04x}{name[1:]}"'
            for again in (member, escaped):
                for second in ('"acme"', "[]", "{}", "null", '["w_hidden"]', '["claude"]'):
                    yield whole.replace(f"{member}:", f"{again}: {second}, {member}:", 1).encode()
    for unknown in ("tenant_id", "tenant", "org_id", "organization", "environment", "scope", "permissions", "sql", "settings", "__proto__", "$where", "locked_filters"):
        yield json.dumps(body | {unknown: "mallory"}).encode()
        yield json.dumps(body | {unknown: {"a": ["mallory"]}}).encode()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        yield whole.encode(encoding)
    yield from (whole[:-1].encode(), (whole + whole).encode(), b"", b" ", b"\0", whole.encode() + b"\0", b"[" + whole.encode() + b"]", b"1" * 70_000)


def parameter_mutations(parameters: dict[str, str], texts: Iterable[str]) -> Iterator[str]:
    """A valid query string, changed in one parameter at a time."""
    texts = list(texts)
    for name in parameters:
        others = {key: value for key, value in parameters.items() if key != name}
        for text in texts:
            yield urlencode(others | {name: text}, errors="surrogatepass")
        yield urlencode(others)
        yield urlencode(parameters) + f"&{name}=mallory"
        for odd in (f"{name}[]", f"{name}[$ne]", f"{name}.x", name.upper(), f"{name}%00", f"{name} "):
            yield urlencode(others) + f"&{quote(odd, safe='%[]$.')}={quote(parameters[name])}"
        for value in ("%ff", "%c0%af", "%ed%a0%80", "%", "%zz", "%00", "+", "%u0041", "&", ";x=1", "#", "%26tenant_id%3Dmallory"):
            yield urlencode(others) + f"&{name}={value}"
    for unknown in ("tenant", "tenant_id", "org_id", "database", "user", "param_p0", "SQL_emban_tenant"):
        if unknown not in parameters:
            yield urlencode(parameters | {unknown: "mallory"})
