"""What is measured. Each measurement asks its ways in turns, in another order every round, and returns plain numbers."""

from __future__ import annotations

import json
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from embantest.client import Client
from embantest.process import EmbanProcess
from load import Throughput, Viewer, drive
from machine import MemoryWatch
from questions import Questions, View
from stage import Stage
from wire import Connection, post

Json = dict[str, Any]
#: The share of rounds that only warms up, and how many these are at least.
WARM_UP = 0.1
LEAST_WARM_UP = 2
#: Between a view and the same view later.
PAUSE_SECONDS = 0.5
#: A query over no table: what a change of the machine between two measurements is known by.
CONTROL = "SELECT sum(cityHash64(number)) FROM numbers_mt(30000000)"


class Times:
    """Milliseconds by way, of the same rounds."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = {}

    def summary(self, way: str) -> Json:
        return summary(self.of[way])

    def sum(self, ways: list[str]) -> list[float]:
        """The sum over ways, round by round."""
        return [sum(took) for took in zip(*(self.of[way] for way in ways), strict=True)]


def in_turns(rounds: int, ways: Mapping[str, Callable[[], float]]) -> Times:
    times = Times()
    warm_up = max(LEAST_WARM_UP, round(rounds * WARM_UP))
    order = list(ways)
    for number in range(warm_up + rounds):
        random.Random(number).shuffle(order)
        for way in order:
            took = ways[way]()
            if number >= warm_up:
                times.of.setdefault(way, []).append(took)
    return times


def level(milliseconds: list[float], share: float) -> float:
    ordered = sorted(milliseconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(milliseconds: list[float]) -> Json:
    return {
        "p50_ms": round(statistics.median(milliseconds), 3), "p95_ms": round(level(milliseconds, 0.95), 3), "samples": len(milliseconds)}


def ratio(ours: Json, raw: Json) -> Json:
    return {name: round(ours[f"{name}_ms"] / raw[f"{name}_ms"], 3) for name in ("p50", "p95")}


# --- One viewer -----------------------------------------------------------------------------------------------------------


def latency(questions: Questions, rounds: int) -> Json:
    """Widgets and whole dashboards of one tenant without a cache, over the events and with rollups, beside their SQL sent straight."""
    far = questions.check()
    ways: dict[str, Callable[[], float]] = {}
    for variant in ("events", "rollups"):
        view, raw = questions.views[variant], questions.raw[variant]
        for name in questions.names:
            request = view.request([name])
            ways[f"{variant} api {name}"] = lambda view=view, request=request: view.time(request)
            ways[f"{variant} raw {name}"] = lambda raw=raw, name=name: raw.time(name)
        whole = view.request()
        ways[f"{variant} dashboard"] = lambda view=view, request=whole: view.time(request)
    times = in_turns(rounds, ways)
    result: Json = {"tenant": questions.tenant, "dashboard": questions.slug, "off_from_events": {n: round(v, 6) for n, v in far.items()}}
    for variant in ("events", "rollups"):
        widgets: Json = {}
        for name in questions.names:
            api, raw_times = times.summary(f"{variant} api {name}"), times.summary(f"{variant} raw {name}")
            widgets[name] = {
                "metric": questions.metrics[name], "statements": len(questions.raw[variant].widgets[name]), "api": api, "raw": raw_times,
                "to_raw": ratio(api, raw_times)}
        whole, sums = times.summary(f"{variant} dashboard"), summary(times.sum([f"{variant} raw {name}" for name in questions.names]))
        singles = summary(times.sum([f"{variant} api {name}" for name in questions.names]))
        result[variant] = {
            "widgets": widgets, "one_by_one": singles, "one_by_one_to_raw": ratio(singles, sums), "dashboard": whole, "sum_of_raw": sums,
            "dashboard_to_sum_of_raw": ratio(whole, sums)}
    over_events = result["events"]["sum_of_raw"]
    result["rollups"]["dashboard_to_sum_of_raw_over_events"] = ratio(result["rollups"]["dashboard"], over_events)
    return result


def year(questions: Questions, rounds: int) -> Json:
    """A long range: each widget with rollups, and the whole dashboard with rollups, without, and as SQL over the events."""
    far = questions.check()
    with_rollups, over_events = questions.views["rollups"], questions.views["events"]
    request, same = with_rollups.request(), over_events.request()
    ways: dict[str, Callable[[], float]] = {
        "rollups": lambda: with_rollups.time(request), "events": lambda: over_events.time(same),
        "raw": lambda: sum(questions.raw["events"].time(name) for name in questions.names),
    }
    for name in questions.names:
        ways[f"widget {name}"] = lambda request=with_rollups.request([name]): with_rollups.time(request)
    times = in_turns(rounds, ways)
    result = {way: times.summary(way) for way in ("rollups", "events", "raw")}
    result["widgets"] = {name: {"metric": questions.metrics[name]} | times.summary(f"widget {name}") for name in questions.names}
    return result | {
        "rollups_to_raw": ratio(result["rollups"], result["raw"]), "events_to_raw": ratio(result["events"], result["raw"]),
        "off_from_events": {name: round(value, 6) for name, value in far.items()}}


def repeated(emban: EmbanProcess, token: str, headers: dict[str, str], tenant: str, rounds: int) -> Json:
    """The same view again, with the cache on and nothing new stored, beside the first view after the cache was emptied: at once, and after
    a pause in which others could have stored something."""
    view = View(emban.url, token)
    admin = Client(emban.url, headers)
    request = view.request()
    took: dict[str, list[float]] = {"first": [], "at_once": [], "later": []}
    for number in range(LEAST_WARM_UP + rounds):
        assert admin.post("/v1/cache/refresh", {"tenant_id": tenant}).status == 204
        first, *at_once = (view.time(request) for _ in range(3))
        time.sleep(PAUSE_SECONDS)
        later = view.time(request)
        if number >= LEAST_WARM_UP:
            took["first"].append(first)
            took["at_once"] += at_once
            took["later"].append(later)
    cached = sum(result["meta"]["cached"] for result in view.ask().values())
    result: Json = {name: summary(times) for name, times in took.items()} | {"widgets_from_cache": cached}
    return result | {f"{name}_to_first": ratio(result[name], result["first"]) for name in ("at_once", "later")}


# --- The growth of others -------------------------------------------------------------------------------------------------


def growth_step(stage: Stage, questions: Questions, rounds: int) -> Json:
    """One side of the comparison before and after: the view of a tenant whose own events stay."""
    questions.check()
    ways: dict[str, Callable[[], float]] = {"control": lambda: control(stage)}
    for variant in ("events", "rollups"):
        view = questions.views[variant]
        ways[variant] = lambda view=view, request=view.request(): view.time(request)
    ways["raw"] = lambda: sum(questions.raw["events"].time(name) for name in questions.names)
    times = in_turns(rounds, ways)
    return {way: times.summary(way) for way in ways}


def control(stage: Stage) -> float:
    begin = time.perf_counter()
    stage.store.run(CONTROL)
    return (time.perf_counter() - begin) * 1000


def growth(before: Json, after: Json) -> Json:
    """How much dearer the view became, corrected by how much slower the machine became meanwhile."""
    machine = after["control"]["p50_ms"] / before["control"]["p50_ms"]
    ratios = {
        way: {at: round(after[way][f"{at}_ms"] / before[way][f"{at}_ms"] / machine, 3) for at in ("p50", "p95")}
        for way in ("events", "rollups", "raw")}
    return {"before": before, "after": after, "machine": round(machine, 3), "after_to_before": ratios}


# --- Many viewers ---------------------------------------------------------------------------------------------------------


def throughput(stage: Stage, crowd: list[Questions], viewers: int, seconds: float) -> Json:
    """Whole dashboards a second for so many viewers at once, who share out the tenants, beside their six raw queries each.

    Every way goes twice, for about half of `seconds` each time, but never for less than a dashboard of every viewer.
    """
    some = [crowd[number % len(crowd)] for number in range(viewers)]
    ways = {
        "events": [Viewer(one.views["events"].url, [one.views["events"].request()]) for one in some],
        "rollups": [Viewer(one.views["rollups"].url, [one.views["rollups"].request()]) for one in some],
        "raw": [Viewer(one.raw["events"].store.url, one.raw["events"].all) for one in some],
    }
    runs: dict[str, list[Throughput]] = {way: [] for way in ways}
    most: dict[str, int] = {}
    amounts: dict[str, int] = {}
    for way in ways:
        trial = drive(ways[way], viewers)
        amounts[way] = max(viewers, round(trial.per_second * seconds / 2))
        if amounts[way] == viewers:
            runs[way].append(trial)
    order = list(ways)
    for number in range(2):
        random.Random(number).shuffle(order)
        for way in order:
            if len(runs[way]) > number:
                continue
            with MemoryWatch(stage.pids) as watch:
                runs[way].append(drive(ways[way], amounts[way]))
            if way == "rollups":
                most = {name: max(size, most.get(name, 0)) for name, size in watch.most.items()}
    result: Json = {way: total(runs[way]).summary for way in ways}
    pace = {way: result[way]["per_second"] for way in ways}
    return {
        "viewers": viewers, "tenants": len({one.tenant for one in some}), **result,
        **{f"{way}_to_raw": round(pace[way] / pace["raw"], 3) for way in ("events", "rollups")}, "memory_mib": most}


def total(runs: list[Throughput]) -> Throughput:
    seconds = sum(run.seconds for run in runs)
    return Throughput(
        sum(run.dashboards for run in runs), seconds, [one for run in runs for one in run.latencies],
        sum(run.generator_cores * run.seconds for run in runs) / seconds)


# --- Events ---------------------------------------------------------------------------------------------------------------


def visible(stage: Stage, rounds: int) -> Json:
    """From the answer to `POST /v1/events` until every variant of the program, also with its cache on, counts the event."""
    headers = dict(stage.admin.headers) | {"Content-Type": "application/json"}
    sender = Connection(stage.main.url)
    body = {"tenant_id": "visible", "query": {"metric": "count", "period": "24h"}}
    ask = {name: post(emban.url, "/v1/query", headers, json.dumps(body).encode()) for name, emban in stage.variants.items()}
    readers = {name: Connection(emban.url) for name, emban in stage.variants.items()}
    took: dict[str, list[float]] = {name: [] for name in ask}

    def count(name: str) -> int:
        rows = json.loads(readers[name].ask(ask[name])[0])["rows"]
        return int(rows[0]["value"] or 0) if rows else 0

    for number in range(rounds):
        event = {"events": [{"tenant_id": "visible", "event_name": "seen"}]}
        sender.ask(post(stage.main.url, "/v1/events", headers, json.dumps(event).encode()))
        accepted = time.perf_counter()
        waiting = set(ask)
        while waiting:
            for name in sorted(waiting):
                if count(name) > number:
                    took[name].append((time.perf_counter() - accepted) * 1000)
                    waiting.discard(name)
            if time.perf_counter() - accepted > 30:
                raise RuntimeError(f"an event was not seen after 30 s by {', '.join(waiting)}")
    return {name: summary(times) for name, times in took.items()}
