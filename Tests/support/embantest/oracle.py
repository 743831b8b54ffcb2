"""What the answers must be, computed a second time: plain Python over the list of events, written from the contract alone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
UTC = timezone.utc

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
METRICS = ["count", "count_unique", "count_unique_approx", "sum", "avg", "min", "max", *PERCENTILES]
ZERO_FILLED = {"count", "count_unique", "count_unique_approx", "sum"}
SHARED = {"count", "sum"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def generate(seed: int, tenants: dict[str, int], start: datetime, days: int) -> list[Json]:
    """Events as a customer may send them: skewed, with gaps, odd names, missing properties and moments on the edges of days."""
    chance = random.Random(seed)
    models = ["gpt-4", "gpt-4o", "claude", "o'neil \"quoted\"", "back\\slash", "字 🦆", "Gpt-4"]
    events: list[Json] = []
    for tenant, number in tenants.items():
        for _ in range(number):
            when = start + timedelta(milliseconds=chance.randrange(days * 86_400_000))
            if chance.random() < 0.05:
                when = when.replace(hour=chance.choice([0, 5, 7]), minute=0, second=0, microsecond=0)
            event: Json = {
                "tenant_id": tenant, "event_name": chance.choices(["api.call", "login"], [9, 1])[0], "timestamp": iso(when),
                "string_props": {"endpoint": f"/e{min(int(chance.expovariate(0.4)), 14)}",
                "geo.country": chance.choice(["DE", "US", "FR"])},
                "numeric_props": {"tokens": chance.randrange(5_000), "cost.usd": round(chance.expovariate(3), 6)},
            }
            if chance.random() < 0.9:
                event["string_props"]["model"] = chance.choices(models, [9, 7, 5, 2, 2, 1, 1])[0]
            if chance.random() < 0.85:
                event["numeric_props"]["latency_ms"] = round(chance.lognormvariate(5, 0.8), 3)
            if chance.random() < 0.95:
                event["user_id"] = f"{tenant[:2]}-{chance.randrange(60)}"
            events.append(event)
    return events


def dimension(event: Json, name: str) -> str:
    if name in ("event_name", "user_id"):
        return event.get(name, "")
    return event["string_props"].get(name, "")


def passes(event: Json, condition: Json) -> bool:
    """One entry of a query's `filters`."""
    if "property" in condition:
        value = event["numeric_props"].get(condition["property"])
        if value is None:
            return False
        low, high = {
            "gte": lambda v: (v[0], math.inf), "lte": lambda v: (-math.inf, v[0]), "between": lambda v: (v[0], v[1]),
        }[condition["op"]](condition["values"])
        return low <= value <= high
    value, values = dimension(event, condition["dimension"]), condition["values"]
    return {
        "eq": lambda: value == values[0], "neq": lambda: value != values[0], "in": lambda: value in values,
        "not_in": lambda: value not in values, "contains": lambda: values[0].lower() in value.lower(),
    }[condition["op"]]()


@dataclass
class Measured:
    """A value with the bounds between which an answer is right."""

    value: float | None
    low: float | None
    high: float | None

    def matches(self, got: Any) -> bool:
        if self.value is None or got is None:
            return self.value is None and got is None
        slack = 1e-9 * max(1.0, abs(self.value))
        return self.low - slack <= got <= self.high + slack  # type: ignore[operator]


def percentile(values: list[float], level: float) -> Measured:
    """Every usual definition of a percentile lies between the neighbours of its rank; within 1 % of those is right."""
    ordered = sorted(values)
    rank = level * (len(ordered) - 1)
    low = ordered[max(0, math.floor(rank) - 1)]
    high = ordered[min(len(ordered) - 1, math.ceil(rank) + 1)]
    inner = ordered[math.floor(rank)] + (rank - math.floor(rank)) * (ordered[math.ceil(rank)] - ordered[math.floor(rank)])
    return Measured(inner, low - 0.01 * abs(low), high + 0.01 * abs(high))


def measure(events: Iterable[Json], query: Json) -> Measured:
    chosen, metric = list(events), query["metric"]
    if metric == "count":
        return exactly(len(chosen))
    if metric.startswith("count_unique"):
        name = query.get("unique_prop", "user_id")
        number = len({dimension(event, name) for event in chosen} - {""})
        return Measured(number, number * 0.98 - 1, number * 1.02 + 1) if metric.endswith("approx") else exactly(number)
    values = [event["numeric_props"][query["numeric_prop"]] for event in chosen if query["numeric_prop"] in event["numeric_props"]]
    if metric == "sum":
        return exactly(math.fsum(values))
    if not values:
        return Measured(None, None, None)
    if metric in PERCENTILES:
        return percentile(values, PERCENTILES[metric])
    return exactly({"avg": lambda: math.fsum(values) / len(values), "min": lambda: min(values), "max": lambda: max(values)}[metric]())


def exactly(value: float) -> Measured:
    return Measured(value, value, value)


def bucket_start(when: datetime, granularity: str, zone: ZoneInfo) -> datetime:
    """The start of the bucket that holds a moment, in the zone's own calendar."""
    local = when.astimezone(zone)
    if granularity == "minute":
        return when.astimezone(UTC).replace(second=0, microsecond=0)
    if granularity == "hour":
        offset = local.utcoffset() or timedelta()
        shifted = (when.astimezone(UTC) + offset).replace(minute=0, second=0, microsecond=0)
        return shifted - offset
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if granularity == "week":
        day = (day.replace(tzinfo=None) - timedelta(days=day.weekday())).replace(tzinfo=zone)
    if granularity == "month":
        day = day.replace(day=1)
    return day.astimezone(UTC)


def buckets(start: datetime, end: datetime, granularity: str, zone: ZoneInfo) -> list[datetime]:
    """Starts of all buckets that touch [start, end)."""
    step = {"minute": timedelta(minutes=1), "hour": timedelta(minutes=30)}.get(granularity, timedelta(hours=12))
    found: list[datetime] = []
    when = start
    while when < end:
        bucket = bucket_start(when, granularity, zone)
        if not found or bucket > found[-1]:
            found.append(bucket)
        when += step
    last = bucket_start(end - timedelta(milliseconds=1), granularity, zone)
    return found if found[-1] == last else [*found, last]


@dataclass
class Oracle:
    """Answers for one tenant (or, without a tenant, for the organisation)."""

    events: list[Json]

    def chosen(self, query: Json, start: datetime, end: datetime, tenant: str | None) -> list[Json]:
        return [
            event for event in self.events
            if (tenant is None or event["tenant_id"] == tenant)
            and ("event_name" not in query or event["event_name"] == query["event_name"])
            and start <= moment(event["timestamp"]) < end
            and all(passes(event, condition) for condition in query.get("filters", []))
        ]

    def kpi(self, query: Json, start: datetime, end: datetime, tenant: str | None) -> Measured:
        return measure(self.chosen(query, start, end, tenant), query)

    def groups(self, query: Json, start: datetime, end: datetime, tenant: str | None) -> dict[str, Measured]:
        return by_key(self.chosen(query, start, end, tenant), lambda e: dimension(e, query["group_by"]), query)

    def series(
        self, query: Json, start: datetime, end: datetime, tenant: str | None, zone: str = "UTC",
    ) -> dict[datetime, Measured]:
        granularity, place = query["granularity"], ZoneInfo(zone)
        filled: dict[datetime, list[Json]] = {bucket: [] for bucket in buckets(start, end, granularity, place)}
        for event in self.chosen(query, start, end, tenant):
            filled[bucket_start(moment(event["timestamp"]), granularity, place)].append(event)
        return {bucket: measure(events, query) for bucket, events in filled.items()}


def by_key(events: list[Json], key: Callable[[Json], Any], query: Json) -> dict[Any, Measured]:
    split: dict[Any, list[Json]] = {}
    for event in events:
        split.setdefault(key(event), []).append(event)
    return {name: measure(members, query) for name, members in split.items()}
