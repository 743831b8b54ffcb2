"""Events of the demo's shape, made by ClickHouse out of numbers: millions of rows in seconds, the same ones on every run.

They go into `emban.events` itself, so that everything that follows from it (materialised views, projections) sees them as it sees
what `POST /v1/events` stores.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from wire import Store

#: Rows of one INSERT: blocks of this size become parts.
BLOCK = 1_000_000
#: Rows of one statement.
PIECE = 5 * BLOCK
DAY = 86_400_000
#: What arrived a moment ago is not rolled up yet: these arrived before.
ARRIVED_SECONDS_AGO = 600


@dataclass(frozen=True)
class Crowd:
    """Many tenants of skewed sizes: the largest has a tenth of all events, the one in the middle one in 1,900."""

    tenants: int

    def name(self, rank: int) -> str:
        """The tenant with the rank-th most events, from 0."""
        return f"tenant_{rank:04}"

    @property
    def sql(self) -> str:
        return f"concat('tenant_', leftPad(toString(toUInt32({self.tenants} * pow({draw(0)}, 3))), 4, '0'))"


def draw(index: int) -> str:
    """A number from 0 to 1 that depends on the row, on `index` and on the seed of the statement; SQL."""
    return f"(intHash64(number * 32 + {index} + {{seed:UInt64}}) / 18446744073709551616.)"


def pick(index: int, values: list[str], skew: float = 1.5) -> str:
    """One of the values, the first ones more often; SQL."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"[{listed}][1 + toUInt8({len(values)} * pow({draw(index)}, {skew}))]"


def statement(tenant: str) -> str:
    model = pick(4, ["aurora-large", "aurora-mini", "aurora-vision", "aurora-embed"])
    endpoint = pick(5, ["/v1/chat", "/v1/search", "/v1/summarize", "/v1/classify", "/v1/images", "/v1/embeddings"])
    status = f"multiIf({draw(6)} < 0.974, 'success', {draw(6)} < 0.986, 'error', {draw(6)} < 0.996, 'rate_limited', 'timeout')"
    region = pick(7, ["us-east", "us-west", "eu-west", "ap-south"], skew=1)
    normal = f"sqrt(-2 * log(1 - {draw(8)})) * cos(6.283185307179586 * {draw(9)})"
    return f"""
      INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, user_id, string_props, numeric_props, ingested_at)
      SELECT {{org:String}}, 'production', {tenant}, if({draw(1)} < 0.97, 'api.call', 'user.signup'),
        fromUnixTimestamp64Milli(toInt64({{end:Int64}} - {draw(2)} * {{span:Int64}})),
        concat('user_', toString(1 + toUInt32({{users:UInt32}} * pow({draw(3)}, 2.2)))),
        concat('{{"model":"', {model}, '","endpoint":"', {endpoint}, '","status":"', {status}, '","region":"', {region}, '"}}')::JSON,
        concat('{{"latency_ms":', toString(least(10000, round(exp(6 + 0.5 * {normal}), 1))), ',"tokens":', toString(1 + toUInt32(4000 * {draw(10)})),
          ',"cost_usd":', toString(round(-log(1 - {draw(11)}) / 100, 6)), '}}')::JSON,
        now64(3) - INTERVAL {ARRIVED_SECONDS_AGO} SECOND
      FROM numbers_mt({{first:UInt64}}, {{count:UInt64}})"""


SETTINGS = {
    "max_insert_threads": 2, "max_insert_block_size": BLOCK, "min_insert_block_size_rows": BLOCK, "max_partitions_per_insert_block": 0,
    "json_type_escape_dots_in_keys": 1, "input_format_try_infer_dates": 0, "input_format_try_infer_datetimes": 0,
}


@dataclass(frozen=True)
class Batch:
    """So many events, evenly spread over the days before `end` (milliseconds since 1970); `first` numbers them on."""

    org: str
    tenant: str | Crowd
    count: int
    end: int
    days: int = 90
    users: int = 100
    first: int = 0

    def load(self, store: Store) -> None:
        tenant = self.tenant.sql if isinstance(self.tenant, Crowd) else "{tenant:String}"
        name = "" if isinstance(self.tenant, Crowd) else self.tenant
        # In pieces, each of which is done before a connection is given up.
        for start in range(0, self.count, PIECE):
            values = {
                "org": self.org, "end": self.end, "span": self.days * DAY, "users": self.users, "first": self.first + start,
                "count": min(PIECE, self.count - start), "seed": int.from_bytes(name.encode()[:6], "big") << 8, "tenant": name,
            }
            store.run(statement(tenant), **SETTINGS, **{f"param_{key}": value for key, value in values.items()})


def sample(count: int, seed: int) -> list[dict[str, Any]]:
    """Events of the last hour as a program sends them, without a tenant."""
    chance = random.Random(seed)
    now = datetime.now(timezone.utc)
    return [{
        "event_name": "api.call", "timestamp": (now - timedelta(seconds=chance.random() * 3600)).isoformat(timespec="milliseconds"),
        "user_id": f"user_{chance.randrange(500)}",
        "string_props": {
            "model": chance.choice(["aurora-large", "aurora-mini", "aurora-vision", "aurora-embed"]), "region": chance.choice(["eu-west", "us-east"]),
            "endpoint": chance.choice(["/v1/chat", "/v1/search", "/v1/images"]), "status": chance.choices(["success", "error"], [97, 3])[0]},
        "numeric_props": {
            "latency_ms": round(chance.lognormvariate(6, 0.5), 1), "tokens": chance.randrange(4_000), "cost_usd": round(chance.expovariate(100), 6)},
    } for _ in range(count)]
