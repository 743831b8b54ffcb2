#!/usr/bin/env python3
"""Measures what the program adds to ClickHouse, on demo data, and prints it as JSON.

Starts the release program (`emban demo` in a temporary folder; EMBAN_BINARY names another one), loads a second, larger customer
through POST /v1/events, and then asks, round by round and interleaved so that every path meets the same machine:

  api      POST /v1/embed/query with one widget, as a viewer's browser does
  admin    GET /v1/query with the same question
  raw      the very SQL of that widget (from `emban explain`), sent straight to the same ClickHouse, as the same database user

Each path keeps one connection alive. Every answer is read to its end; that the answers agree is checked before anything is timed.

  make bench ARGS="--rounds 100 --events 5000000"
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "support"))
os.environ.setdefault("EMBAN_BINARY", str(ROOT / ".build" / "release" / "emban"))

from embantest.client import Client  # noqa: E402 (found through the path above)
from embantest.oracle import iso  # noqa: E402
from embantest.process import EmbanProcess, binary  # noqa: E402

Json = dict[str, Any]

#: One widget of every shape of question on the demo's dashboard.
WIDGETS = ["w_calls", "w_latency", "w_trend", "w_model_latency", "w_endpoints", "w_spend_table"]
#: The share of rounds that only warms up.
WARM_UP = 0.1


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Connection:
    """One kept-alive HTTP connection with fixed headers; `send` returns the body and the milliseconds until its last byte."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        self.headers = headers

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[bytes, float]:
        begin = time.perf_counter()
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = (time.perf_counter() - begin) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{method} {path[:200]} → {answer.status} {content[:500]!r}")
        return content, took


def summary(milliseconds: list[float]) -> Json:
    ordered = sorted(milliseconds)
    level = lambda share: ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]  # noqa: E731
    return {"p50_ms": round(statistics.median(ordered), 3), "p95_ms": round(level(0.95), 3), "samples": len(ordered)}


def ratio(ours: Json, raw: Json) -> Json:
    return {level: round(ours[f"{level}_ms"] / raw[f"{level}_ms"], 3) for level in ("p50", "p95")}


# --- The stage ------------------------------------------------------------------------------------------------------------


class Stage:
    """The demo's organisation, with a second customer of a chosen size."""

    def __init__(self, emban: EmbanProcess) -> None:
        self.emban = emban
        self.admin = Client(emban.url).bearer(self.wait_for_key())
        self.dashboard: Json = self.admin.get("/v1/dashboards/usage").expect(200)
        shown = {widget["id"]: widget for widget in self.dashboard["widgets"]}
        missing = [name for name in WIDGETS if name not in shown]
        if missing:
            raise RuntimeError(f"the demo's dashboard has no {', '.join(missing)}")
        self.widgets: dict[str, Json] = {name: shown[name] for name in WIDGETS}

    def wait_for_key(self) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = re.search(r"eb_adm_\w+", self.emban.log)
            if found and "/demo" in self.emban.log[found.end():]:
                return found.group()
            time.sleep(0.1)
        raise RuntimeError(f"the demo's data was not ready after 120 s; its log ends with\n{self.emban.log[-2000:]}")

    def load(self, tenant: str, events: int, workers: int) -> Json:
        """Sends events of the demo's shape for one more customer; the bodies are made before the clock runs."""
        chance = random.Random(11)
        now = datetime.now(timezone.utc)
        bodies = []
        for _ in range(min(100, max(1, events // 1000))):
            lines = [json.dumps({
                "tenant_id": tenant, "event_name": "api.call", "timestamp": iso(now - timedelta(days=chance.random() * 60)),
                "user_id": f"user_{chance.randrange(500)}",
                "string_props": {
                    "model": chance.choice(["aurora-large", "aurora-mini", "aurora-vision", "aurora-embed"]),
                    "endpoint": chance.choice(["/v1/chat", "/v1/embeddings", "/v1/classify", "/v1/images", "/v1/search"]),
                    "status": chance.choices(["success", "error"], [97, 3])[0], "region": chance.choice(["eu-west", "us-east"]),
                },
                "numeric_props": {
                    "latency_ms": round(chance.lognormvariate(6, 0.6), 2), "tokens": chance.randrange(4000),
                    "cost_usd": round(chance.expovariate(100), 6),
                },
            }) for _ in range(1000)]
            bodies.append(("\n".join(lines)).encode())
        local = threading.local()

        def send(number: int) -> None:
            if not hasattr(local, "connection"):
                local.connection = Connection(self.emban.url, self.admin.headers | {"Content-Type": "application/x-ndjson"})
            local.connection.send("POST", "/v1/events", bodies[number % len(bodies)])

        begin = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(send, range(max(1, events // 1000))))
        seconds = time.perf_counter() - begin
        sent = max(1, events // 1000) * 1000
        return {"events": sent, "connections": workers, "seconds": round(seconds, 2), "events_per_second": round(sent / seconds)}

    def explain(self, tenant: str) -> Json:
        done = self.emban.run(
            "explain", self.dashboard["id"], "--tenant", tenant, "--data-dir", str(self.emban.data_dir), "--with-credentials")
        if done.returncode != 0:
            raise RuntimeError(f"emban explain failed: {done.stderr}")
        return json.loads(done.stdout)


# --- The three paths ------------------------------------------------------------------------------------------------------


class Paths:
    """The same question in three ways; each call returns rows and milliseconds."""

    def __init__(self, stage: Stage, tenant: str) -> None:
        self.stage, self.tenant = stage, tenant
        explained = stage.explain(tenant)
        server = explained["clickhouse"]
        made = stage.admin.post("/v1/embed-sessions", {"tenant_id": tenant, "dashboard_id": stage.dashboard["id"]}).expect(201)
        json_type = {"Content-Type": "application/json"}
        self.viewer = Connection(stage.emban.url, {"Authorization": f"Bearer {made['token']}", **json_type})
        self.keeper = Connection(stage.emban.url, dict(stage.admin.headers))
        self.store = Connection(server["url"], {"X-ClickHouse-User": server["user"], "X-ClickHouse-Key": server["password"]})
        settings = explained["settings"] | {"default_format": "JSONCompactEachRowWithNamesAndTypes"}
        self.statements: dict[str, list[tuple[str, bytes]]] = {
            name: [
                ("/?" + urlencode(settings | {f"param_{key}": value for key, value in statement["parameters"].items()}),
                 statement["sql"].encode())
                for statement in explained["widgets"][name]]
            for name in WIDGETS}
        self.cached = 0

    def api(self, widgets: list[str]) -> tuple[Json, float]:
        content, took = self.viewer.send("POST", "/v1/embed/query", json.dumps({"widgets": widgets}).encode())
        results = json.loads(content)["results"]
        self.cached += sum(result["meta"]["cached"] for result in results.values())
        return results, took

    def admin(self, name: str) -> tuple[Json, float]:
        widget = self.stage.widgets[name]
        values = {key: json.dumps(value) if isinstance(value, (list, dict)) else str(value) for key, value in widget["query"].items()}
        content, took = self.keeper.send("GET", "/v1/query?" + urlencode(values | {"kind": widget["kind"], "tenant_id": self.tenant}))
        return json.loads(content), took

    def raw(self, name: str) -> tuple[list[list[Any]], float]:
        """Rows of the first statement, and the time of all of them one after the other."""
        first: list[list[Any]] = []
        total = 0.0
        for number, (path, sql) in enumerate(self.statements[name]):
            content, took = self.store.send("POST", path, sql)
            total += took
            if number == 0:
                first = [json.loads(line) for line in content.splitlines()[2:]]
        return first, total

    def check(self) -> None:
        """The paths answer the same question: sums of all numbers agree, but for the events that arrive meanwhile."""
        for name in WIDGETS:
            result = self.api([name])[0][name]
            if "error" in result:
                raise RuntimeError(f"{name}: {result['error']}")
            ours = sum(row["value"] or 0 for row in result["rows"])
            admins = sum(row["value"] or 0 for row in self.admin(name)[0]["rows"])
            if abs(ours - admins) > 0.01 * abs(ours):
                raise RuntimeError(f"{name}: the embed says {ours}, /v1/query {admins}")
            numbers = [float(value) for row in self.raw(name)[0] for value in row if isinstance(value, (int, float))]
            if self.stage.widgets[name]["kind"] == "kpi" and not any(abs(ours - number) <= 0.01 * abs(ours) for number in numbers):
                raise RuntimeError(f"{name}: the embed says {ours}, the database {numbers}")
            if not numbers:
                raise RuntimeError(f"{name}: the database answers nothing")


def measure(stage: Stage, tenant: str, rounds: int) -> Json:
    paths = Paths(stage, tenant)
    paths.check()
    times: dict[tuple[str, str], list[float]] = {}
    whole: list[float] = []
    raw_sum: list[float] = []
    warm_up = max(3, round(rounds * WARM_UP))
    for number in range(warm_up + rounds):
        steps: list[tuple[str, str, Callable[[], float]]] = [
            (name, path, ask) for name in WIDGETS for path, ask in (
                ("api", lambda name=name: paths.api([name])[1]), ("admin", lambda name=name: paths.admin(name)[1]),
                ("raw", lambda name=name: paths.raw(name)[1]))]
        random.Random(number).shuffle(steps)
        took = {(name, path): ask() for name, path, ask in steps}
        dashboard = paths.api(WIDGETS)[1]
        if number >= warm_up:
            for key, milliseconds in took.items():
                times.setdefault(key, []).append(milliseconds)
            whole.append(dashboard)
            raw_sum.append(sum(took[name, "raw"] for name in WIDGETS))
    widgets = {}
    for name in WIDGETS:
        figures = {path: summary(times[name, path]) for path in ("api", "admin", "raw")}
        widgets[name] = {
            "kind": stage.widgets[name]["kind"], "metric": stage.widgets[name]["query"]["metric"],
            "statements": len(paths.statements[name]), **figures,
            "api_to_raw": ratio(figures["api"], figures["raw"]), "admin_to_raw": ratio(figures["admin"], figures["raw"]),
        }
    all_api = summary([t for name in WIDGETS for t in times[name, "api"]])
    all_raw = summary([t for name in WIDGETS for t in times[name, "raw"]])
    dashboard_figures, sums = summary(whole), summary(raw_sum)
    return {
        "tenant": tenant, "events_in_period": paths.api(["w_calls"])[0]["w_calls"]["rows"][0]["value"], "widgets": widgets,
        "all_widgets": {"api": all_api, "raw": all_raw, "api_to_raw": ratio(all_api, all_raw)},
        "dashboard_of_six": {"one_request": dashboard_figures, "sum_of_raw": sums, "to_sum_of_raw": ratio(dashboard_figures, sums)},
        "answers_from_cache": paths.cached,
    }


def machine(emban: EmbanProcess, clickhouse: str) -> Json:
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = subprocess.run([str(binary()), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    status = Path(f"/proc/{emban.process.pid if emban.process else 0}/status")
    resident = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return {
        "system": platform.platform(), "processor": cpu, "cores": os.cpu_count(), "memory_gib": round(memory, 1),
        "load_average": [round(value, 2) for value in os.getloadavg()], "emban": version, "build": binary().parent.name,
        "clickhouse": clickhouse, "python": platform.python_version(),
        "emban_resident_mib": round(int(resident.group(1)) / 1024) if resident else None,
    }


def main() -> int:
    options = argparse.ArgumentParser(description="Latency through emban, beside the same SQL straight to ClickHouse.")
    options.add_argument("--rounds", type=int, default=60, help="timed rounds for each customer (60)")
    options.add_argument("--events", type=int, default=500_000, help="events of the larger customer; 0 leaves it out (500000)")
    options.add_argument("--connections", type=int, default=8, help="connections that load the events (8)")
    given = options.parse_args()
    emban = EmbanProcess(command="demo")
    try:
        say(f"starting {binary()} demo …")
        begin = time.perf_counter()
        emban.start()
        stage = Stage(emban)
        result: Json = {"made_at": iso(datetime.now(timezone.utc)), "demo_ready_after_s": round(time.perf_counter() - begin, 1)}
        tenants = [emban.client.get("/demo/api/tenants").expect(200)["tenants"][0]["id"]]
        if given.events > 0:
            say(f"loading {given.events} events …")
            result["ingest"] = stage.load("bench", given.events, given.connections)
            tenants.append("bench")
        result["latency"] = []
        for tenant in tenants:
            say(f"measuring {tenant}, {given.rounds} rounds …")
            result["latency"].append(measure(stage, tenant, given.rounds))
        version, _ = Paths(stage, tenants[0]).store.send("POST", "/", b"SELECT version()")
        result["machine"] = machine(emban, version.decode().strip())
        print(json.dumps(result, indent=2))
        emban.close()
    finally:
        emban.abandon()
    return 0


if __name__ == "__main__":
    sys.exit(main())
