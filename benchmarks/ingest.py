"""Events through the API beside the same events inserted straight into the same ClickHouse by the same senders.

The ways take turns, in another order every round; every run begins with empty tables, and ends when no merge is under way, so that what an
insert leaves to be done is counted with it. After every run the rows are counted: each way must have stored what it was acknowledged.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events import sample
from machine import MemoryWatch, cpu_seconds
from senders import NONCE, Sender, Sent, send
from stage import Stage
from wire import post

Json = dict[str, Any]
#: Events in a request, and connections.
CELLS = [(size, connections) for size in (1_000, 10, 1) for connections in (1, 8, 64)]
#: Those of a single round.
FEW_CELLS = [(1_000, 8), (10, 8), (1, 64)]
TABLES = ["events", "event_ids", "tenant_days"]
COLUMNS = "org_id, environment, tenant_id, event_name, timestamp, user_id, string_props, numeric_props"
SETTINGS = {"json_type_escape_dots_in_keys": 1, "input_format_try_infer_dates": 0, "date_time_input_format": "best_effort"}
ASYNC = {"async_insert": 1, "wait_for_async_insert": 1}
WAYS = {
    "api": "POST /v1/events",
    "api_ids": "POST /v1/events, an event_id in each",
    "json": "INSERT … FORMAT JSONEachRow",
    "binary": "INSERT … FORMAT RowBinary",
    "async": "INSERT … FORMAT JSONEachRow with async_insert and wait_for_async_insert",
}


@dataclass(frozen=True)
class Cell:
    size: int
    connections: int


def measure(stage: Stage, seconds: float, rounds: int, say: Callable[[str], None]) -> Iterator[Json]:
    """All cells, in a single round only some of them; `seconds` of load for each way of each."""
    for size, connections in CELLS if rounds > 1 else FEW_CELLS:
        say(f"requests of {size:,} events over {connections} connections …")
        yield measure_cell(stage, Cell(size, connections), seconds, rounds)


def measure_cell(stage: Stage, cell: Cell, seconds: float, rounds: int) -> Json:
    senders = {way: [sender(stage, way, cell.size, seed) for seed in range(cell.connections)] for way in WAYS}
    runs: dict[str, list[Run]] = {way: [] for way in WAYS}
    order = list(WAYS)
    for number in range(rounds):
        random.Random(number).shuffle(order)
        for way in order:
            runs[way].append(run(stage, way, senders[way], seconds / rounds))
    ways = {way: summary(some) for way, some in runs.items()}
    rivals = [ways[way]["events_per_second"] for way in ("json", "binary", "async")]
    return {
        "events_in_request": cell.size, "connections": cell.connections, "ways": ways,
        "api_to_json": ratio(ways["api"]["events_per_second"], rivals[0]), "api_to_best": ratio(ways["api"]["events_per_second"], max(rivals)),
        "api_ids_to_json": ratio(ways["api_ids"]["events_per_second"], rivals[0])}


@dataclass(frozen=True)
class Run:
    sent: Sent
    #: Seconds of emban and of ClickHouse, merges included.
    cpu: dict[str, float]
    #: MiB, at most.
    memory: dict[str, int]


def run(stage: Stage, way: str, senders: list[Sender], seconds: float) -> Run:
    for table in TABLES:
        stage.store.run(f"TRUNCATE TABLE emban.{table}")
    stage.settle(10)
    before = {name: cpu_seconds(pid) for name, pid in stage.pids.items()}
    with MemoryWatch(stage.pids) as watch:
        sent = send(senders, seconds)
    stage.settle(20)
    cpu = {name: cpu_seconds(pid) - before[name] for name, pid in stage.pids.items()}
    stored = int(stage.store.run("SELECT count() FROM emban.events"))
    # What was refused may have been stored nevertheless: a straight insert has no token.
    if stored < sent.all_events or (stored > sent.all_events and not sent.refused):
        raise RuntimeError(f"{way}: {sent.all_events} events were acknowledged, {stored} are stored")
    return Run(sent, cpu, watch.most)


def summary(runs: list[Run]) -> Json:
    seconds = sum(run.sent.seconds for run in runs)
    events = sum(run.sent.events for run in runs)
    every = sum(run.sent.all_events for run in runs)
    latencies = sorted(one for run in runs for one in run.sent.latencies)
    refused: dict[str, int] = {}
    for run in runs:
        for status, count in run.sent.refused.items():
            refused[status] = refused.get(status, 0) + count
    rates = [run.sent.events / run.sent.seconds for run in runs]
    return {
        "events_per_second": round(events / seconds), "lowest": round(min(rates)), "highest": round(max(rates)), "requests": len(latencies),
        "p50_ms": at(latencies, 0.5), "p99_ms": at(latencies, 0.99), "refused": refused,
        "cpu_s_per_million": {name: round(sum(run.cpu[name] for run in runs) / max(every, 1) * 1e6, 2) for name in runs[0].cpu},
        "memory_mib": {name: max(run.memory[name] for run in runs) for name in runs[0].memory},
        "generator_cores": round(sum(run.sent.generator_cores for run in runs) / len(runs), 3),
    }


def at(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None


def ratio(ours: float, theirs: float) -> float | None:
    return round(ours / theirs, 3) if theirs else None


# --- The same events in every way -------------------------------------------------------------------------------------------


def sender(stage: Stage, way: str, size: int, seed: int) -> Sender:
    events = [{"tenant_id": f"tenant_{seed % 8}", **event} for event in sample(size, seed)]
    if way in ("api", "api_ids"):
        if way == "api_ids":
            for number, event in enumerate(events):
                event["event_id"] = f"{NONCE.decode()}{number:04}"
        headers = dict(stage.admin.headers) | {"Content-Type": "application/json"}
        return Sender(stage.main.url, post(stage.main.url, "/v1/events", headers, json.dumps({"events": events}).encode()), size)
    if way == "binary":
        insert, settings, rows = "RowBinary", SETTINGS | {"input_format_binary_read_json_as_string": 1}, b"".join(
            row_binary(stage.org, event) for event in events)
    else:
        insert, settings, rows = "JSONEachRow", SETTINGS | (ASYNC if way == "async" else {}), "\n".join(
            json.dumps({"org_id": stage.org, "environment": "production", **event}) for event in events).encode()
    return Sender(stage.store.url, stage.store.request(f"INSERT INTO emban.events ({COLUMNS}) FORMAT {insert}", settings, rows), size)


def row_binary(org: str, event: Json) -> bytes:
    texts = [org, "production", event["tenant_id"], event["event_name"]]
    props = [json.dumps(event[name], separators=(",", ":")) for name in ("string_props", "numeric_props")]
    return b"".join([
        *map(text, texts), struct.pack("<q", milliseconds(event["timestamp"])), text(event["user_id"]), *map(text, props)])


def milliseconds(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def text(value: str) -> bytes:
    """A string as RowBinary has it: its length in LEB128, its bytes."""
    data = value.encode()
    length, prefix = len(data), bytearray()
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*prefix, length]) + data
