"""The real trace of two LLM services against an independent computation over its files."""

from __future__ import annotations

import csv
import random
from typing import Any

import pytest
from embantest import local_time, worlds
from embantest.comparing import Asked
from embantest.process import EmbanProcess, shared_data
from embantest.questions import SHAPES, Chooser, material
from embantest.reckoner import METRICS, Reckoner
from embantest.workspace import Organization

Json = dict[str, Any]

NUMBERS = ["ContextTokens", "GeneratedTokens"]
TENANTS = {"conv": 19_366, "code": 8_819}
#: The minutes in which the calls were made, and spans in which they are few, the end, or nothing at all.
BEGIN, END = local_time.read("2023-11-16T18:15:00Z"), local_time.read("2023-11-16T19:15:00Z")


def spans(zone: str, chance: random.Random) -> dict[str, tuple[Any, list[str]]]:
    first = BEGIN + chance.randrange(0, 20 * local_time.MINUTE)
    end = END - chance.randrange(0, 20 * local_time.MINUTE)
    everything = local_time.GRANULARITIES

    def between(first: int, end: int) -> Json:
        return {"from": local_time.write(first), "to": local_time.write(end)}

    return {
        "minutes": (between(first, end), everything), "two hours": (between(BEGIN - local_time.HOUR, BEGIN + local_time.HOUR), everything),
        "hours": (between(BEGIN - 7 * local_time.HOUR, END + 9 * local_time.HOUR), everything),
        "days": ({"from": "2023-11-16", "to": "2023-11-17"}, everything[1:]), "month": ({"from": "2023-11-01", "to": "2023-11-30"}, everything[1:]),
        "year": ({"from": "2023-02-01", "to": "2024-01-31"}, everything[2:]),
        "a year later": (between(first + 366 * local_time.DAY, end + 366 * local_time.DAY), everything),
    }


FILTERS: list[list[Json]] = [
    [], [{"property": "ContextTokens", "op": "gte", "values": [1000]}], [{"property": "GeneratedTokens", "op": "lte", "values": [100]}],
    [{"property": "ContextTokens", "op": "between", "values": [500, 1500]}, {"property": "GeneratedTokens", "op": "gte", "values": [50]}],
    [{"dimension": "event_name", "op": "in", "values": ["llm.call", "other"]}], [{"dimension": "event_name", "op": "contains", "values": ["LLM"]}],
    [{"dimension": "user_id", "op": "eq", "values": [""]}], [{"dimension": "event_name", "op": "neq", "values": ["llm.call"]}],
    [{"dimension": "model", "op": "not_in", "values": ["gpt-4"]}],
]


@pytest.fixture(scope="module")
def trace(emban: EmbanProcess, module_organization: Organization) -> Asked:
    """Imported as a user imports it, and read by the standard library."""
    events = []
    for tenant, number in TENANTS.items():
        file = shared_data() / "llm-inference" / f"{tenant}.csv"
        done = emban.run(
            "import", str(file), "--url", emban.url, "--tenant", tenant, "--event-name", "llm.call", "--timestamp-column", "TIMESTAMP", "--numeric",
            ",".join(NUMBERS), environment={"EMBAN_API_KEY": module_organization.key})
        assert done.returncode == 0, done.stdout + done.stderr
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert len(rows) == number
        # The files count ten millionths of a second, the store milliseconds.
        events += [{
            "tenant_id": tenant, "event_name": "llm.call", "timestamp": row["TIMESTAMP"].replace(" ", "T")[:23] + "+00:00",
            "numeric_props": {name: int(row[name]) for name in NUMBERS}} for row in rows]
    return Asked(module_organization, Reckoner(events))


def test_every_metric_in_every_shape_and_zone(trace: Asked) -> None:
    real = material(
        FILTERS, spans, number=NUMBERS, unique=[None, "event_name"], group_by=["event_name", "user_id", "model"],
        group_by_2=["event_name", "user_id", "model"], tenant=["conv", "code", "code", None], event=["llm.call", None])
    cases = Chooser(5, real).product(metric=METRICS, shape=SHAPES, zone=worlds.ZONES)
    assert trace.compare(cases) == len(METRICS) * len(SHAPES) * len(worlds.ZONES)


def test_every_metric_of_every_minute(trace: Asked) -> None:
    real = material(FILTERS, spans, number=NUMBERS, unique=[None], group_by=["event_name"], group_by_2=["user_id"], tenant=[*TENANTS], event=[None])
    cases = Chooser(6, real).product(
        metric=METRICS, number=NUMBERS, tenant=TENANTS, shape=["series"], granularity=["minute"], span=["two hours"], filters=[0])
    assert trace.compare(cases) == 8 * 2 * 2
