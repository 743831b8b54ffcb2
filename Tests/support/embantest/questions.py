"""Which questions to ask: every pair of what a question may consist of, chosen by a seed, and full products of the parts that matter most."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from embantest import local_time, worlds
from embantest.reckoner import COUNTS, METRICS

Json = dict[str, Any]

SHAPES: dict[str, tuple[str, set[str]]] = {
    "kpi": ("kpi", {"compare"}),
    "series": ("timeseries", {"compare", "granularity"}),
    "grouped series": ("timeseries", {"compare", "granularity", "group_by", "order", "limit"}),
    "grouped series with other": ("timeseries", {"compare", "granularity", "group_by", "order", "limit", "other"}),
    "two series": ("timeseries", {"compare", "granularity", "second"}),
    "breakdown": ("breakdown", {"compare", "group_by", "order", "limit"}),
    "breakdown with other": ("breakdown", {"compare", "group_by", "order", "limit", "other"}),
    "breakdown of two": ("breakdown", {"compare", "group_by", "order", "limit", "second"}),
    "table": ("table", {"compare", "group_by", "order", "limit"}),
    "table of two with other": ("table", {"compare", "group_by", "order", "limit", "second", "other"}),
    "pivot": ("table", {"group_by", "group_by_2", "order", "limit"}),
    "heatmap": ("heatmap", set()),
}


def needs_number(metric: str) -> bool:
    return metric not in COUNTS


@dataclass
class Material:
    """What questions about certain events may consist of."""

    factors: dict[str, list[Any]]
    filters: list[list[Json]]
    #: Spans of time by name for a zone, each with the granularities that fit.
    spans: Callable[[str, random.Random], dict[str, tuple[Any, list[str]]]]


def material(
    filters: list[list[Json]], spans: Callable[[str, random.Random], dict[str, tuple[Any, list[str]]]], **factors: list[Any],
) -> Material:
    common: dict[str, list[Any]] = {
        "shape": list(SHAPES), "metric": METRICS, "second metric": METRICS, "second number": factors["number"], "filters": list(range(len(filters))),
        "zone": worlds.ZONES + worlds.MORE_ZONES, "span": list(spans("UTC", random.Random(0))), "granularity": [None, *local_time.GRANULARITIES],
        "compare": [None, "previous_period", "previous_year"], "order": [None, "asc", "desc"], "limit": [None, 1, 3, 50],
    }
    return Material(common | factors, filters, spans)


GENERATED = material(
    worlds.FILTERS, worlds.spans, number=worlds.NUMBERS, unique=[None, "model", worlds.NAMES["quoted"], "event_name", "nothing"],
    group_by=worlds.DIMENSIONS, group_by_2=worlds.DIMENSIONS, tenant=[None, *worlds.TENANTS], event=[None, *worlds.EVENT_NAMES])


@dataclass(frozen=True)
class Case:
    """One question as the API takes it."""

    kind: str
    query: Json
    tenant: str | None
    zone: str


class Chooser:
    def __init__(self, seed: int, material: Material = GENERATED) -> None:
        self.chance = random.Random(seed)
        self.material = material
        self.fitting = {name: fitting for name, (_, fitting) in material.spans("UTC", random.Random(0)).items()}

    def choose(self, **given: Any) -> Json | None:
        """A valid choice of every factor that applies, with those that are given; None where they do not fit each other."""
        chosen = {name: given.get(name, self.chance.choice(levels)) for name, levels in self.material.factors.items()}
        _, parts = SHAPES[chosen["shape"]]
        applies = {
            "number": needs_number(chosen["metric"]), "unique": chosen["metric"].startswith("count_unique"),
            "second metric": "second" in parts, "second number": "second" in parts and needs_number(chosen["second metric"]),
            "group_by_2": "group_by_2" in parts,
        } | {name: name in parts for name in ("group_by", "granularity", "compare", "order", "limit")}
        for name, holds in applies.items():
            if not holds:
                if name in given:
                    return None
                chosen.pop(name)
        if chosen.get("group_by") is not None and chosen.get("group_by") == chosen.get("group_by_2"):
            return None
        fitting = self.fitting[chosen["span"]]
        if chosen.get("granularity") is not None and chosen["granularity"] not in fitting:
            if "granularity" in given and "span" in given:
                return None
            if "granularity" in given:
                chosen["span"] = self.chance.choice([name for name, fitting in self.fitting.items() if chosen["granularity"] in fitting])
            else:
                chosen["granularity"] = self.chance.choice(fitting)
        return chosen

    def case(self, chosen: Json) -> Case:
        kind, parts = SHAPES[chosen["shape"]]
        query: Json = {"metric": chosen["metric"], "period": self.material.spans(chosen["zone"], self.chance)[chosen["span"]][0]}
        names = {
            "event": "event_name", "number": "numeric_prop", "unique": "unique_prop", "second metric": "second_metric", "second number": "second_numeric_prop",
        } | {name: name for name in ("group_by", "group_by_2", "granularity", "compare", "order", "limit")}
        query |= {member: chosen[name] for name, member in names.items() if chosen.get(name) is not None}
        if "other" in parts:
            query["other"] = True
        if filters := self.material.filters[chosen["filters"]]:
            query["filters"] = filters
        return Case(kind, query, chosen["tenant"], chosen["zone"])

    def product(self, **levels: Iterable[Any]) -> Iterator[Case]:
        """Every combination of these factors that fits, the others by chance."""
        names = list(levels)

        def walk(index: int, given: Json) -> Iterator[Case]:
            if index == len(names):
                for _ in range(20):
                    if chosen := self.choose(**given):
                        yield self.case(chosen)
                        return
                return
            for level in levels[names[index]]:
                yield from walk(index + 1, given | {names[index]: level})

        yield from walk(0, {})

    def pairs(self) -> list[Case]:
        """So many questions that each value of each factor meets each value of every other one that it can meet."""
        def met(chosen: Json) -> set[tuple[Any, ...]]:
            return {(*a, *b) for a, b in combinations(sorted(chosen.items(), key=lambda item: item[0]), 2)}

        factors = self.material.factors
        open_pairs = [(a, x, b, y) for a, b in combinations(sorted(factors), 2) for x in factors[a] for y in factors[b]]
        self.chance.shuffle(open_pairs)
        covered: set[tuple[Any, ...]] = set()
        cases: list[Case] = []
        for a, x, b, y in open_pairs:
            if (a, x, b, y) in covered:
                continue
            # What one factor needs to apply at all is given by chance: some pairs (heatmap × limit) exist never.
            candidates = [chosen for _ in range(30) if (chosen := self.choose(**{a: x, b: y}))][:5]
            if not candidates:
                continue
            best = max(candidates, key=lambda chosen: len(met(chosen) - covered))
            covered |= met(best)
            cases.append(self.case(best))
        return cases
