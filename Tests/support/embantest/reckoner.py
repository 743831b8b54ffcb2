"""The whole answer of a query, worked out by hand: plain Python over the list of events, from what docs/queries.md says. No SQL.

Nothing is taken from the answer that is checked, but for one thing: which of several groups of (nearly) equal value it shows. Sums of
floating-point numbers differ in their last digits by the order of adding, so that such groups may change places.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from embantest import local_time

Json = dict[str, Any]

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
METRICS = ["count", "count_unique", "count_unique_approx", "sum", "avg", "min", "max", *PERCENTILES]
COUNTS = {"count", "count_unique", "count_unique_approx"}
ZERO_WHEN_EMPTY = COUNTS | {"sum"}
ADDITIVE = {"count", "sum"}
DEFAULT_LIMITS = {"timeseries": 8, "breakdown": 10, "table": 50}
MOST_SERIES = 50
PIVOT_COLUMNS = 12
RELATIVE = 1e-9


@dataclass(slots=True)
class Fact:
    """An event, read once."""

    at: int
    tenant: str
    name: str
    user: str
    strings: dict[str, str]
    numbers: dict[str, float]

    @classmethod
    def of(cls, event: Json) -> Fact:
        return cls(
            local_time.read(event["timestamp"]), event["tenant_id"], event["event_name"], event.get("user_id", ""),
            event.get("string_props", {}), event.get("numeric_props", {}))

    def dimension(self, name: str) -> str:
        return self.name if name == "event_name" else self.user if name == "user_id" else self.strings.get(name, "")

    def passes(self, condition: Json) -> bool:
        values = condition["values"]
        if "property" in condition:
            number = self.numbers.get(condition["property"])
            if number is None:
                return False
            low = -math.inf if condition["op"] == "lte" else values[0]
            high = math.inf if condition["op"] == "gte" else values[-1]
            return low <= number <= high
        value = self.dimension(condition["dimension"])
        match condition.get("op", "in"):
            case "eq" | "in":
                return value in values
            case "neq" | "not_in":
                return value not in values
            case "contains":
                return values[0].lower() in value.lower()
        raise AssertionError(condition)


@dataclass(slots=True)
class Value:
    """A number (or none) and how far an answer may be from it."""

    number: float | None
    slack: float = 0

    def agrees(self, got: Any) -> bool:
        if self.number is None or got is None:
            return self.number is None and got is None
        return isinstance(got, (int, float)) and not isinstance(got, bool) and abs(got - self.number) <= self.slack

    def __str__(self) -> str:
        return repr(self.number)


def measure(facts: Iterable[Fact], metric: str, numeric_prop: str | None = None, unique_prop: str | None = None) -> Value:
    if metric == "count":
        return Value(sum(1 for _ in facts))
    if metric in COUNTS:
        number = len({fact.dimension(unique_prop or "user_id") for fact in facts} - {""})
        return Value(number, 0.01 * number if metric == "count_unique_approx" else 0)
    assert numeric_prop is not None
    numbers = [fact.numbers[numeric_prop] for fact in facts if numeric_prop in fact.numbers]
    if metric == "sum":
        return Value(math.fsum(numbers), RELATIVE * math.fsum(map(abs, numbers)) if any(number % 1 for number in numbers) else 0)
    if not numbers:
        return Value(None)
    if metric == "avg":
        return Value(math.fsum(numbers) / len(numbers), RELATIVE * math.fsum(map(abs, numbers)) / len(numbers))
    if metric in ("min", "max"):
        return Value(min(numbers) if metric == "min" else max(numbers))
    # PERCENTILE.INC: the rank lies between 0 and n − 1, and neighbours are joined by a straight line.
    ordered = sorted(numbers)
    rank = PERCENTILES[metric] * (len(ordered) - 1)
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return Value(low + (rank - math.floor(rank)) * (high - low), RELATIVE * max(abs(low), abs(high)))


@dataclass
class Question:
    """One query as it is meant to be answered: with the state of a viewer already in it."""

    query: Json
    kind: str
    tenant: str | None
    zone: str
    #: The clock of whoever asked, in milliseconds: named periods end with it.
    now: int
    #: Conditions beside the query's own.
    more: list[Json] = field(default_factory=list)
    #: The time was chosen by a viewer: a granularity that does not fit gives way.
    chosen: bool = False

    @property
    def metric(self) -> str:
        return self.query.get("metric", "count")

    @property
    def period(self) -> Any:
        return self.query.get("period", "30d")

    @cached_property
    def span(self) -> tuple[int, int]:
        return local_time.span(self.period, self.zone, self.now)

    @cached_property
    def before(self) -> tuple[int, int] | None:
        compare = self.query.get("compare")
        return compare and local_time.compared_span(compare, self.period, *self.span, self.zone, self.now)

    @cached_property
    def granularity(self) -> str | None:
        if self.kind != "timeseries":
            return None
        automatic = local_time.automatic(*self.span, self.zone, self.period)
        wanted = self.query.get("granularity")
        if wanted is None or not self.chosen:
            return wanted or automatic
        fits = 1 < len(local_time.starts(*self.span, wanted, self.zone)) <= local_time.MOST_BUCKETS
        return wanted if fits else automatic

    @property
    def limit(self) -> int:
        return self.query.get("limit") or DEFAULT_LIMITS[self.kind]

    def measure(self, facts: Iterable[Fact]) -> Value:
        return measure(facts, self.metric, self.query.get("numeric_prop"), self.query.get("unique_prop"))

    def second(self, facts: Iterable[Fact]) -> Value:
        return measure(facts, self.query["second_metric"], self.query.get("second_numeric_prop"), self.query.get("unique_prop"))


def split(facts: Iterable[Fact], dimension: str) -> dict[str, list[Fact]]:
    parts: dict[str, list[Fact]] = {}
    for fact in facts:
        parts.setdefault(fact.dimension(dimension), []).append(fact)
    return parts


def change(value: float | None, before: float | None) -> float | None:
    return None if value is None or not before else 100 * (value - before) / abs(before)


@dataclass
class Ranking:
    """The groups of a question in their order, as far as their values tell it."""

    values: dict[str, Value]
    descending: bool

    def key(self, name: str) -> tuple[Any, ...]:
        number = self.values[name].number
        if number is None:
            return (1, 0, name.encode())
        return (0, -number if self.descending else number, name.encode())

    def close(self, a: str, b: str) -> bool:
        left, right = self.values[a], self.values[b]
        if left.number is None or right.number is None or not (left.slack or right.slack):
            return False
        return abs(left.number - right.number) <= left.slack + right.slack

    def complaints(self, shown: list[str], limit: int) -> Iterator[str]:
        """What is wrong about these names being the first `limit` of all."""
        if unknown := [name for name in shown if name not in self.values]:
            yield f"groups that do not exist: {unknown[:5]}"
            return
        if len(set(shown)) != len(shown) or len(shown) != min(limit, len(self.values)):
            yield f"{len(shown)} groups ({len(set(shown))} different), expected {min(limit, len(self.values))}"
            return
        for a, b in zip(shown, shown[1:], strict=False):
            if self.key(a) > self.key(b) and not self.close(a, b):
                yield f"{a!r} ({self.values[a]}) stands before {b!r} ({self.values[b]})"
        left_out = self.values.keys() - set(shown)
        if shown and left_out:
            best = min(left_out, key=self.key)
            if self.key(best) < self.key(shown[-1]) and not self.close(best, shown[-1]):
                yield f"{best!r} ({self.values[best]}) is left out, yet {shown[-1]!r} ({self.values[shown[-1]]}) is shown"


class Reckoner:
    """Compares answers with what the events say."""

    def __init__(self, events: Iterable[Json] = ()) -> None:
        self.by_tenant: dict[str | None, list[Fact]] = {}
        self.times: dict[str | None, list[int]] = {}
        self.add(events)

    def add(self, events: Iterable[Json]) -> None:
        for event in events:
            fact = Fact.of(event)
            for tenant in (None, fact.tenant):
                self.by_tenant.setdefault(tenant, []).append(fact)
        for tenant, facts in self.by_tenant.items():
            facts.sort(key=lambda fact: fact.at)
            self.times[tenant] = [fact.at for fact in facts]

    def facts(self, question: Question, first: int, end: int) -> list[Fact]:
        times = self.times.get(question.tenant, [])
        conditions = question.query.get("filters", []) + question.more
        name = question.query.get("event_name")
        return [
            fact for fact in self.by_tenant.get(question.tenant, [])[bisect_left(times, first):bisect_left(times, end)]
            if (name is None or fact.name == name) and all(fact.passes(condition) for condition in conditions)]

    def complaints(self, question: Question, result: Json) -> list[str]:
        """What is wrong about an answer; empty when it is right."""
        if "error" in result:
            return [f"refused: {result}"]
        return list(self._complaints(question, result))

    def _complaints(self, question: Question, result: Json) -> Iterator[str]:
        meta = result["meta"]
        for name, moment in zip(("from", "to"), question.span, strict=True):
            if meta[name] != local_time.write(moment):
                yield f"meta.{name} is {meta[name]}, expected {local_time.write(moment)}"
                return
        wanted = {"granularity": question.granularity, "timezone": question.zone, "rows": len(result["rows"])}
        for name, value in wanted.items():
            if meta[name] != value:
                yield f"meta.{name} is {meta[name]!r}, expected {value!r}"
        if meta.get("approximate"):
            yield "meta.approximate"
        pivot = "group_by_2" in question.query
        yield from columns(question, result)
        if question.before is not None:
            previous = result.get("previous") or {}
            edges = [local_time.write(moment) for moment in question.before]
            if [previous.get("from"), previous.get("to")] != edges:
                yield f"previous is {previous.get('from')} … {previous.get('to')}, expected {edges[0]} … {edges[1]}"
                return
        match question.kind:
            case "kpi":
                yield from self.kpi(question, result)
            case "timeseries":
                yield from self.timeseries(question, result)
            case "heatmap":
                yield from self.heatmap(question, result)
            case "table" if pivot:
                yield from self.pivot(question, result)
            case _:
                yield from self.groups(question, result)

    # One value against another

    def cell(self, row: Json, name: str, value: Value) -> Iterator[str]:
        if name not in row:
            yield f"no {name} in {row}"
        elif not value.agrees(row[name]):
            yield f"{name} is {row[name]!r}, expected {value}, in {row}"

    def row(self, question: Question, row: Json, now: list[Fact], before: list[Fact] | None, *, delta: bool = True) -> Iterator[str]:
        """The numbers of one row that stands for these events."""
        yield from self.cell(row, "value", question.measure(now))
        if "second_metric" in question.query:
            yield from self.cell(row, "second_value", question.second(now))
        if before is not None:
            yield from self.cell(row, "previous_value", question.measure(before))
            if delta:
                expected = change(row["value"], row.get("previous_value"))
                slack = 0 if expected is None else 1e-7 + RELATIVE * abs(expected)
                yield from self.cell(row, "delta_pct", Value(expected, slack))

    # Kinds

    def kpi(self, question: Question, result: Json) -> Iterator[str]:
        if len(result["rows"]) != 1:
            yield f"{len(result['rows'])} rows"
            return
        before = self.facts(question, *question.before) if question.before else None
        yield from self.row(question, result["rows"][0], self.facts(question, *question.span), before)

    def groups(self, question: Question, result: Json) -> Iterator[str]:
        column = dimensions(result)[0]
        facts = self.facts(question, *question.span)
        now = split(facts, question.query["group_by"])
        before = split(self.facts(question, *question.before), question.query["group_by"]) if question.before else None
        rows = list(result["rows"])
        ranking = Ranking({name: question.measure(members) for name, members in now.items()}, question.query.get("order") != "asc")
        more = len(now) > question.limit
        if result["meta"]["truncated"] != more:
            yield f"meta.truncated is {result['meta']['truncated']}, yet there are {len(now)} groups and a limit of {question.limit}"
        named = [row for row in rows if row[column] is not None]
        shown = [row[column] for row in named]
        complaint = None
        for complaint in ranking.complaints(shown, question.limit):
            yield complaint
        if complaint:
            return
        total = question.measure(facts)
        for row in named:
            yield from self.row(question, row, now[row[column]], before and before.get(row[column], []) if before is not None else None)
            yield from self.share(question, row, now[row[column]], total)
        others = [row for row in rows if row[column] is None]
        if len(others) != (more and question.query.get("other", False)):
            yield f"{len(others)} rows of all others, although {'' if more else 'no '}groups are left out"
        for row in others:
            if rows[-1] is not row:
                yield "the row of all others is not the last one"
            rest = [fact for fact in facts if fact.dimension(question.query["group_by"]) not in shown]
            rest_before = None if before is None else [fact for name, part in before.items() if name not in shown for fact in part]
            yield from self.row(question, row, rest, rest_before)
            yield from self.share(question, row, rest, total)

    def share(self, question: Question, row: Json, facts: list[Fact], total: Value) -> Iterator[str]:
        if question.metric in ADDITIVE:
            value = question.measure(facts)
            if not total.number or value.number is None or abs(total.number) <= total.slack:
                return
            relative = RELATIVE + (value.slack + total.slack) / abs(total.number)
            expected = value.number / total.number
            yield from self.cell(row, "share", Value(expected, relative * max(1, abs(expected))))

    def timeseries(self, question: Question, result: Json) -> Iterator[str]:
        assert question.granularity is not None
        first, end = question.span
        facts = self.facts(question, first, end)
        before = self.facts(question, *question.before) if question.before else None
        starts = local_time.starts(first, end, question.granularity, question.zone)
        minute = (question.now // local_time.MINUTE + 1) * local_time.MINUTE
        group_by = question.query.get("group_by")
        series: list[str | None] = [None]
        other: list[str] = []
        if group_by is not None:
            column = dimensions(result)[0]
            series = list(dict.fromkeys(row[column] for row in result["rows"]))
            now = split(facts, group_by)
            limit = min(question.limit, MOST_SERIES)
            if result["meta"]["truncated"] != (len(now) > limit):
                yield f"meta.truncated is {result['meta']['truncated']}, yet there are {len(now)} groups and a limit of {limit}"
            wanted_other = question.query.get("other", False) and len(now) > limit
            if (None in series) != wanted_other or (wanted_other and series[-1] is not None):
                yield f"the series of all others is {'missing or not the last one' if wanted_other else 'not asked for'}: {series}"
                return
            named = [name for name in series if name is not None]
            ranking = Ranking({name: question.measure(members) for name, members in now.items()}, question.query.get("order") != "asc")
            complaint = None
            for complaint in ranking.complaints(named, limit):
                yield complaint
            if complaint:
                return
            other = named
        shown_facts = facts if group_by is None or None in series else [f for f in facts if f.dimension(group_by) in series]
        latest = max((fact.at for fact in shown_facts), default=first - 1)
        shown = [start for start in starts if start < min(end, max(first, minute)) or start <= latest]
        if group_by is not None and not series:
            shown = []
        times = [local_time.write(start) for start in shown]
        got = [row["time"] for row in result["rows"]]
        if got != [time for time in times for _ in series]:
            expected = [time for time in times for _ in series]
            at = next((i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), min(len(got), len(expected)))
            yield f"{len(got)} rows, expected {len(times)} buckets × {len(series)}; from row {at} on {got[at:at + 3]}, expected {expected[at:at + 3]}"
            return
        earlier: list[int] = []
        if question.before is not None and shown:
            earlier = self.earlier(question, len(shown) + 1)
            times_before = [local_time.write(start) for start in earlier[:-1]]
            got_before = [row["time"] for row in result["previous"]["rows"]]
            if got_before != [time for time in times_before for _ in series]:
                found = list(dict.fromkeys(got_before))
                yield f"previous.rows have other times: {found[:3]} … {found[-2:]}, expected {times_before[:3]} … {times_before[-2:]}"
                return
        cells = spread(facts, starts, group_by, other)
        cells_before = {}
        if before is not None and earlier:
            # The span before may touch one bucket more, which has no counterpart.
            *earlier, beyond = earlier
            cells_before = spread([fact for fact in before if fact.at < beyond], tuple(earlier), group_by, other)
        index = 0
        for place, start in enumerate(shown):
            for name in series:
                row = result["rows"][index]
                if group_by is not None and row[column] != name:
                    yield f"series {row[column]!r} where {name!r} is expected, in {row}"
                    return
                yield from self.row(question, row, cells.get((start, name), []), None)
                if question.before is not None:
                    exists = earlier[place] < question.before[1]
                    value = question.measure(cells_before.get((earlier[place], name), [])) if exists else Value(None)
                    yield from self.cell(row, "previous_value", value)
                    yield from self.cell(result["previous"]["rows"][index], "value", value)
                index += 1

    def earlier(self, question: Question, count: int) -> list[int]:
        """As many buckets from the beginning of the span before."""
        assert question.before is not None and question.granularity is not None
        first = question.before[0]
        until = first + (question.span[1] - question.span[0]) + 70 * local_time.DAY
        return list(local_time.starts(first, until, question.granularity, question.zone)[:count])

    def heatmap(self, question: Question, result: Json) -> Iterator[str]:
        cells: dict[tuple[int, int], list[Fact]] = {}
        for fact in self.facts(question, *question.span):
            clock = local_time.local(fact.at, question.zone)
            cells.setdefault((clock.isoweekday(), clock.hour), []).append(fact)
        places = [(row["weekday"], row["hour"]) for row in result["rows"]]
        if places != [(weekday, hour) for weekday in range(1, 8) for hour in range(24)]:
            yield f"{len(places)} cells, {places[:3]}…, expected all 168 by weekday and hour"
            return
        for row, place in zip(result["rows"], places, strict=True):
            yield from self.row(question, row, cells.get(place, []), None)

    def pivot(self, question: Question, result: Json) -> Iterator[str]:
        rows_by, columns_by = question.query["group_by"], question.query["group_by_2"]
        facts = self.facts(question, *question.span)
        totals = result["totals"]
        yield from self.cell(totals, "value", question.measure(facts))
        names = dimensions(result)
        descending = question.query.get("order") != "asc"
        shown: list[list[str]] = []
        for side, column, dimension, limit in (
            ("rows", names[0], rows_by, question.limit), ("columns", names[1], columns_by, PIVOT_COLUMNS),
        ):
            parts = split(facts, dimension)
            ranking = Ranking({name: question.measure(members) for name, members in parts.items()}, descending)
            shown.append([row[column] for row in totals[side]])
            for complaint in ranking.complaints(shown[-1], limit):
                yield f"totals.{side}: {complaint}"
            for row in totals[side]:
                if row[column] in parts:
                    yield from self.cell(row, "value", ranking.values[row[column]])
        more = len(split(facts, rows_by)) > question.limit or len(split(facts, columns_by)) > PIVOT_COLUMNS
        if result["meta"]["truncated"] != more:
            yield f"meta.truncated is {result['meta']['truncated']}, expected {more}"
        pairs = {
            (name, name_2): members for name, part in split(facts, rows_by).items() if name in shown[0]
            for name_2, members in split(part, columns_by).items() if name_2 in shown[1]}
        got = [(row[names[0]], row[names[1]]) for row in result["rows"]]
        if len(set(got)) != len(got) or set(got) != set(pairs):
            yield f"{len(got)} pairs, expected {len(pairs)}; missing {list(set(pairs) - set(got))[:3]}, too many {list(set(got) - set(pairs))[:3]}"
            return
        for row, pair in zip(result["rows"], got, strict=True):
            yield from self.cell(row, "value", question.measure(pairs[pair]))


def spread(facts: Iterable[Fact], starts: tuple[int, ...], group_by: str | None, named: list[str]) -> dict[tuple[int, str | None], list[Fact]]:
    """The events by bucket and series; None is the series of those that have none of their own, and of all where nothing is grouped."""
    cells: dict[tuple[int, str | None], list[Fact]] = {}
    for fact in facts:
        name = None if group_by is None else fact.dimension(group_by)
        cells.setdefault((local_time.bucket(fact.at, starts), name if name in named else None), []).append(fact)
    return cells


def dimensions(result: Json) -> list[str]:
    return [column["name"] for column in result["columns"] if column["role"] == "dimension"]


RESERVED = {"time", "value", "second_value", "previous_value", "delta_pct", "share"}


def columns(question: Question, result: Json) -> Iterator[str]:
    """Names, types and roles of an answer's columns."""
    query = question.query
    expected: dict[str, tuple[str, str]] = {"value": ("number", "measure")}
    if question.kind == "heatmap":
        expected |= {"weekday": ("number", "dimension"), "hour": ("number", "dimension")}
    if question.kind == "timeseries":
        expected["time"] = ("datetime", "time")
    for name in (query.get("group_by"), query.get("group_by_2")):
        if name is not None:
            expected[name + "_" if name in RESERVED else name] = ("string", "dimension")
    if "second_metric" in query:
        expected["second_value"] = ("number", "measure")
    if question.kind in ("breakdown", "table") and question.metric in ADDITIVE and "group_by_2" not in query:
        expected["share"] = ("number", "measure")
    if "compare" in query:
        expected["previous_value"] = ("number", "comparison")
        if question.kind != "timeseries":
            expected["delta_pct"] = ("number", "comparison")
    got = {column["name"]: (column["type"], column["role"]) for column in result["columns"]}
    if got != expected:
        yield f"columns are {got}, expected {expected}"
    if wrong := [row for row in result["rows"] if row.keys() != expected.keys()]:
        yield f"members of a row are {list(wrong[0])}, expected {list(expected)}"
