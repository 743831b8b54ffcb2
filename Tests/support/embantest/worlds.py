"""Generated events for tests that compare numbers: skewed, with gaps, hostile names, missing properties and moments on every edge."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from embantest import local_time
from embantest.hostile import NAMES
from embantest.local_time import DAY, HOUR, MINUTE

Json = dict[str, Any]

#: The zones that every comparison goes through, and those that are sampled.
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
MORE_ZONES = [
    "Pacific/Chatham", "Asia/Kathmandu", "America/St_Johns", "Europe/London", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran",
]
#: Two years of events; the first is there to be compared with.
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
#: Clock changes of zones that have none any more: at midnight, and a day that never was.
PAST = {
    "America/Sao_Paulo": (date(2018, 11, 1), date(2019, 3, 1)), "Pacific/Apia": (date(2011, 12, 1), date(2012, 1, 31)),
    "Asia/Tehran": (date(2022, 3, 1), date(2022, 10, 1)),
}

TENANTS = {"acme": 2_400, "globex": 700, "o'brien \\ \"x\" `y` {p0:String}": 260}
HOSTILE_TENANT = list(TENANTS)[2]
EVENT_NAMES = ["api.call", "login", "it's \"all\" `gone`\\ {p0:String}"]
MODELS = ["gpt-4", "gpt-4o", "claude", "Gpt-4", "o'neil \"quoted\"", "back\\slash", "字 🦆", "100%_", "É", "é", "e\u0301", "' OR 1=1 --", "\\N", "NULL"]
NUMBERS = ["tokens", "latency_ms", "cost.usd", "delta", NAMES["number"], "size", "nothing"]
DIMENSIONS = ["model", "endpoint", NAMES["dotted"], NAMES["quoted"], NAMES["reserved"], NAMES["wide"], NAMES["both"], "user_id", "event_name", "nothing"]


def changes(zone: str) -> list[int]:
    """The clock changes of a zone that events lie around; midnights where it has none."""
    found = list(local_time.transitions(zone, date(2025, 1, 1), LAST))
    if zone in PAST:
        found += local_time.transitions(zone, *PAST[zone])
    return found or [local_time.start_of_day(date(2025, month, 1), zone) for month in (3, 9)]


def moments(chance: random.Random, zones: list[str]) -> list[int]:
    """Moments around every clock change: to the millisecond at it, at the midnights of its day, and in the hours before and after."""
    found: set[int] = set()
    for zone in zones:
        for change in changes(zone):
            day = local_time.local(change, zone).date()
            for edge in (change, local_time.start_of_day(day, zone), local_time.start_of_day(local_time.next_of(day, "day"), zone)):
                found |= {edge, edge - 1, edge + 1, edge - HOUR, edge + HOUR, edge + HOUR - 1, edge + HOUR // 2}
            found |= {change + chance.randrange(-4 * HOUR, 4 * HOUR) for _ in range(12)}
            found |= {change + chance.randrange(-20 * DAY, 20 * DAY) for _ in range(8)}
    return sorted(found)


def event(chance: random.Random, tenant: str, at: int) -> Json:
    made: Json = {
        "tenant_id": tenant, "event_name": chance.choices(EVENT_NAMES, [12, 3, 1])[0], "timestamp": local_time.write(at),
        "string_props": {"endpoint": f"/e{min(int(chance.expovariate(0.25)), 30)}", NAMES["field"]: chance.choice(list(TENANTS))},
        "numeric_props": {"tokens": chance.randrange(5_000), "cost.usd": round(chance.expovariate(3), 6)},
    }
    strings, numbers = made["string_props"], made["numeric_props"]
    if chance.random() < 0.9:
        strings["model"] = chance.choices(MODELS, range(2 * len(MODELS), 0, -2))[0]
    for name, values, share in (
        (NAMES["dotted"], ["DE", "US", "FR", "JP"], 0.95), (NAMES["quoted"], [f"'{n}\\" for n in range(15)], 0.7),
        (NAMES["reserved"], ["early", "late"], 0.8), (NAMES["wide"], ["ä", "a\u0308", "字"], 0.5), (NAMES["both"], ["S", "M", "L", ""], 0.6),
    ):
        if chance.random() < share:
            strings[name] = chance.choice(values)
    if chance.random() < 0.85:
        numbers["latency_ms"] = round(chance.lognormvariate(5, 0.8), 3)
    if chance.random() < 0.9:
        # The same property as a whole number and as a fraction, on both sides of nothing.
        numbers["delta"] = chance.choice([chance.randrange(-50, 50), round(chance.uniform(-50, 50), 2)])
    if chance.random() < 0.6:
        numbers[NAMES["number"]] = chance.choice([0, 0.5, 1e-7, 123_456_789_012, round(chance.random(), 9)])
    if chance.random() < 0.3:
        numbers["size"] = chance.randrange(1, 9)
    if chance.random() < 0.95:
        made["user_id"] = chance.choice([f"{tenant[:2]}-{chance.randrange(90)}", f"u'{chance.randrange(9)}\\"])
    return made


def generate(seed: int) -> list[Json]:
    chance = random.Random(seed)
    first = local_time.start_of_day(FIRST, "UTC")
    days = (LAST - FIRST).days + 1
    edges = moments(chance, ZONES + MORE_ZONES)
    events = []
    for tenant, number in TENANTS.items():
        # Half of all events lie around the clock changes, so that no bucket of those days is empty by chance.
        events += [event(chance, tenant, first + chance.randrange(days * DAY)) for _ in range(number)]
        events += [event(chance, tenant, moment) for moment in (edges if tenant == "acme" else chance.sample(edges, number // 2))]
    chance.shuffle(events)
    return events


def spans(zone: str, chance: random.Random) -> dict[str, tuple[Json, list[str]]]:
    """Spans of time by their length, around a clock change of the zone, each with the granularities that fit."""
    change = chance.choice(changes(zone))
    day = local_time.local(change, zone).date()

    def between(first: int, end: int) -> Json:
        return {"from": local_time.write(first), "to": local_time.write(end)}

    def days(first: int, count: int) -> Json:
        begin = date.fromordinal(day.toordinal() + first)
        return {"from": begin.isoformat(), "to": date.fromordinal(begin.toordinal() + count - 1).isoformat()}

    year = {"from": "2025-01-01", "to": "2025-12-31"}
    everything = local_time.GRANULARITIES
    return {
        "minutes": (between(change - 50 * MINUTE - 17_500, change + 70 * MINUTE - 17_500), everything),
        "hours": (between(change - 9 * HOUR - 1, change + 14 * HOUR + 12 * MINUTE), everything),
        "day": (days(0, 1), everything),
        "three days": (days(-1, 3), everything[1:]),
        "weeks": (between(change - 12 * DAY - 7 * HOUR, change + 13 * DAY + 1), everything[1:]),
        "month": (days(1 - day.day, 31), everything[1:]),
        "quarter": (days(-40, 80), everything[1:]),
        "year": (year, everything[2:]),
        "ragged year": (between(change - 300 * DAY - 5 * HOUR, change + 100 * DAY), everything[2:]),
        "two years": ({"from": "2024-01-01", "to": "2025-12-31"}, everything[2:]),
        "nothing": ({"from": "2004-02-27", "to": "2004-03-01"}, everything[1:]),
    }


FILTERS: list[list[Json]] = [
    [],
    [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}],
    [{"dimension": "model", "op": "eq", "values": [""]}],
    [{"dimension": "model", "op": "eq", "values": ["o'neil \"quoted\""]}],
    [{"dimension": "model", "op": "eq", "values": ["e\u0301"]}],
    [{"dimension": "model", "op": "neq", "values": ["gpt-4"]}],
    [{"dimension": "model", "op": "neq", "values": [""]}],
    [{"dimension": "model", "op": "in", "values": ["back\\slash", "字 🦆", "' OR 1=1 --", "no such"]}],
    [{"dimension": "model", "op": "in", "values": ["\\N", "NULL", ""]}],
    [{"dimension": "model", "op": "not_in", "values": ["gpt-4", "claude", ""]}],
    [{"dimension": "model", "op": "contains", "values": ["gPT"]}],
    [{"dimension": "model", "op": "contains", "values": ["%"]}],
    [{"dimension": "model", "op": "contains", "values": ["_"]}],
    [{"dimension": "model", "op": "contains", "values": ["É"]}],
    [{"dimension": "model", "op": "contains", "values": ["\\"]}],
    [{"dimension": NAMES["quoted"], "op": "eq", "values": ["'3\\"]}],
    [{"dimension": NAMES["quoted"], "op": "not_in", "values": ["'3\\", "'4\\"]}],
    [{"dimension": NAMES["dotted"], "op": "neq", "values": ["DE"]}],
    [{"dimension": NAMES["field"], "op": "eq", "values": ["globex"]}],
    [{"dimension": "event_name", "op": "not_in", "values": ["login"]}],
    [{"dimension": "user_id", "op": "contains", "values": ["'"]}],
    [{"dimension": "user_id", "op": "eq", "values": [""]}],
    [{"dimension": "nothing", "op": "neq", "values": ["x"]}],
    [{"dimension": "nothing", "op": "eq", "values": ["x"]}],
    [{"property": "latency_ms", "op": "gte", "values": [150]}],
    [{"property": "latency_ms", "op": "lte", "values": [149.5]}],
    [{"property": "tokens", "op": "between", "values": [1000, 3000]}],
    [{"property": "delta", "op": "between", "values": [-10, 10.5]}],
    [{"property": NAMES["number"], "op": "gte", "values": [0.5]}],
    [{"property": "size", "op": "lte", "values": [4]}, {"dimension": "size", "op": "in", "values": ["S", "M"]}],
    [{"property": "nothing", "op": "lte", "values": [0]}],
    [{"dimension": "model", "op": "in", "values": ["gpt-4", "gpt-4o", "claude"]}, {"dimension": NAMES["dotted"], "op": "neq", "values": ["FR"]},
     {"property": "tokens", "op": "gte", "values": [500]}, {"property": "latency_ms", "op": "between", "values": [50, 600]},
     {"dimension": "endpoint", "op": "contains", "values": ["E1"]}],
    [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}, {"dimension": "model", "op": "eq", "values": ["claude"]}],
]
