#!/usr/bin/env python3
"""Measures what the program makes of ClickHouse: latencies, whole dashboards, throughput and memory, as ratios to raw SQL in one run.

Starts the release program in a temporary folder (EMBAN_BINARY names another one), stores millions of events, and asks. JSON goes to
standard output, tables go to standard error; `--save` writes both below benchmarks/results.

  make bench                       10 M events of 1,000 tenants, 5 M of one more, a year of another
  make bench ARGS="--only ingest"  only what becomes of events that are sent; stores none beforehand
  make bench ARGS="--quick"        a tenth of everything: what it says about large tenants does not count
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "support"))
os.environ.setdefault("EMBAN_BINARY", str(ROOT / ".build" / "release" / "emban"))

from embantest.process import EmbanProcess  # noqa: E402 (found through the path above)

import embedding  # noqa: E402
import ingest  # noqa: E402
import machine  # noqa: E402
import measurements  # noqa: E402
import report  # noqa: E402
from events import Batch, Crowd  # noqa: E402
from questions import USAGE, YEAR, Questions  # noqa: E402
from stage import Stage  # noqa: E402

Json = dict[str, Any]
RESULTS = ROOT / "benchmarks" / "results"
#: By rank among the thousand: this one has about 15,000 of 10 M events.
MIDDLE = 100
#: Of the tenant that stays as it is while the others grow.
STEADY_EVENTS = 100_000
VIEWERS = [1, 8, 32]
PARTS = ["ingest", "embed", "growth", "latency", "repeated", "throughput", "year"]


def arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--events", type=int, help="events of 1,000 tenants together (10,000,000; quick: 1,000,000)")
    options.add_argument("--big", type=int, help="events of one more tenant over 90 days (5,000,000; quick: 500,000)")
    options.add_argument("--year", type=int, help="events of another one over a year, 0 for none (10,000,000; quick: 1,000,000)")
    options.add_argument("--rounds", type=int, help="timed rounds of one viewer (40; quick: 10)")
    options.add_argument("--seconds", type=float, help="of load for each number of viewers or senders and each way (8; quick: 2)")
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    options.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs")
    options.add_argument("--save", metavar="NAME", help="also write results/DATE-NAME.json and .md")
    given = options.parse_args()
    for name, (full, quick) in {
        "events": (10_000_000, 1_000_000), "big": (5_000_000, 500_000), "year": (10_000_000, 1_000_000), "rounds": (40, 10), "seconds": (8.0, 2.0),
    }.items():
        if getattr(given, name) is None:
            setattr(given, name, quick if given.quick else full)
    return given


class Bench:
    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.begin = time.perf_counter()
        self.stage = Stage()
        self.crowd = Crowd(1_000)
        self.end = int(time.time() * 1000)
        self.asked: dict[str, Questions] = {}
        self.tokens: dict[str, str] = {}
        self.result: Json = {
            "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "command": "make bench" + (
                f" ARGS={shlex.quote(shlex.join(sys.argv[1:]))}" if sys.argv[1:] else ""),
            "data": {"others": given.events, "tenants": self.crowd.tenants, "big": given.big, "year": given.year, "loading_s": 0.0},
        }

    def say(self, text: str) -> None:
        print(f"[{time.perf_counter() - self.begin:6.1f} s] {text}", file=sys.stderr, flush=True)

    def load(self, *batches: Batch) -> None:
        begin = time.perf_counter()
        for batch in batches:
            self.say(f"storing {batch.count:,} events of {batch.tenant if isinstance(batch.tenant, str) else 'the others'} …")
            batch.load(self.stage.store)
        self.result["data"]["loading_s"] = round(self.result["data"]["loading_s"] + time.perf_counter() - begin, 1)
        self.stage.settle()
        self.stage.forget()

    def questions(self, tenant: str, slug: str = "usage") -> Questions:
        if tenant not in self.asked:
            self.asked[tenant] = Questions(self.stage, tenant, slug, self.tokens[tenant])
        return self.asked[tenant]

    def run(self) -> Json:
        self.say("starting emban …")
        self.stage.start()
        time.sleep(2)
        self.result["machine"] = machine.description(self.stage.clickhouse_version)
        self.result["memory"] = {f"{name}_idle_mib": machine.resident(pid)[0] for name, pid in self.stage.pids.items()}
        self.result |= {"growth": {}, "latency": [], "repeated": {}, "throughput": {}, "year": {}, "ingest": [], "visible": {}, "embed": {}}
        # Events first, while there is one program and nothing stored: its memory is what storing them takes.
        if "ingest" in self.given.only:
            self.measure_ingest()
        if "embed" in self.given.only:
            self.measure_embed()
        if set(self.given.only) - {"ingest", "embed"}:
            self.measure_queries()
        else:
            self.note_memory()
        self.result["seconds"] = round(time.perf_counter() - self.begin, 1)
        self.result["targets"] = [row.json for row in report.targets(self.result)]
        return self.result

    def measure_ingest(self) -> None:
        rounds = 1 if self.given.quick else 3
        for cell in ingest.measure(self.stage, self.given.seconds, rounds, self.say):
            self.result["ingest"].append(cell)
        self.result["memory"] |= {f"{name}_ingest_peak_mib": machine.resident(pid)[1] for name, pid in self.stage.pids.items()}
        if set(self.given.only) == {"ingest"}:
            self.stage.start_variants()
            self.measure_visible()

    def measure_embed(self) -> None:
        self.stage.publish(embedding.DASHBOARD)
        self.load(Batch(self.stage.org, embedding.TENANT, STEADY_EVENTS, self.end, users=200))
        library = ROOT / ".build" / "vendor" / "echarts" / "echarts.min.js"
        self.result["embed"] = embedding.measure(self.stage, library, min(20, self.given.rounds), self.say)

    def note_memory(self) -> None:
        for name, pid in self.stage.pids.items():
            self.result["memory"] |= dict(zip((f"{name}_after_mib", f"{name}_peak_mib"), machine.resident(pid), strict=True))

    def measure_visible(self) -> None:
        self.say("how soon an event is seen …")
        self.result["visible"] = measurements.visible(self.stage, self.given.rounds)

    def measure_queries(self) -> None:
        stage, given = self.stage, self.given
        stage.publish(USAGE)
        stage.publish(YEAR)
        middle = self.crowd.name(MIDDLE)
        each = [self.crowd.name(rank) for rank in range(10, 10 + max(VIEWERS))]
        self.tokens = {tenant: stage.session(tenant, "usage") for tenant in ("big", "steady", middle, *each)}
        self.tokens["year"] = stage.session("year", "year")
        few = given.events // 10
        self.load(Batch(stage.org, "steady", STEADY_EVENTS, self.end, users=200), Batch(stage.org, self.crowd, few, self.end))
        stage.start_variants()
        if "growth" in given.only:
            self.measure_growth(Batch(stage.org, self.crowd, given.events - few, self.end, first=few))
        else:
            self.load(Batch(stage.org, self.crowd, given.events - few, self.end, first=few))

        long = [Batch(stage.org, "year", given.year, self.end, days=360, users=50_000)] if given.year and "year" in given.only else []
        self.load(Batch(stage.org, "big", given.big, self.end, users=20_000), *long)
        self.say("waiting for the rollups …")
        # By one thread, beside everything else.
        self.result["rollups"] = stage.wait_for_rollups(["big", *(batch.tenant for batch in long)], seconds=300 + given.year / 50_000)
        self.say(f"{self.result['rollups']}")
        stage.settle()
        stage.forget()
        sizes = {"big": f"{given.big:,} events", middle: "a middling tenant"}
        if "latency" in given.only:
            for tenant, label in sizes.items():
                self.say(f"one viewer of {tenant} …")
                self.result["latency"].append({"label": label} | measurements.latency(self.questions(tenant), given.rounds))
        if "throughput" in given.only:
            self.measure_throughput({"one large tenant": ["big"], "a tenant each": each})
        if long:
            self.say("a year …")
            self.result["year"] = measurements.year(self.questions("year", "year"), max(3, given.rounds // 4))
        if "ingest" in given.only:
            self.measure_visible()
        self.note_memory()
        if "repeated" in given.only:
            self.measure_repeated(sizes)

    def measure_growth(self, others: Batch) -> None:
        self.say("a tenant among few others …")
        before = measurements.growth_step(self.stage, self.questions("steady"), self.given.rounds)
        self.load(others)
        self.say("the same tenant among ten times as many others …")
        after = measurements.growth_step(self.stage, self.questions("steady"), self.given.rounds)
        self.result["growth"][f"{STEADY_EVENTS:,} events"] = measurements.growth(before, after)

    def measure_repeated(self, sizes: dict[str, str]) -> None:
        stage, rounds = self.stage, min(20, self.given.rounds)

        def measure(emban: EmbanProcess, words: str) -> None:
            for tenant, label in sizes.items():
                self.say(f"the same view of {tenant} again, {words} …")
                self.result["repeated"][f"{label}, {words}"] = measurements.repeated(
                    emban, self.tokens[tenant], stage.admin.headers, tenant, rounds)

        measure(stage.variants["cached"], "one of several processes")
        stage.restart_as_it_comes()
        measure(stage.main, "the program as it comes")

    def measure_throughput(self, crowds: dict[str, list[str]]) -> None:
        for label, tenants in crowds.items():
            crowd = [self.questions(tenant) for tenant in tenants]
            self.result["throughput"][label] = []
            for viewers in VIEWERS:
                self.say(f"{viewers} viewers, {label} …")
                self.result["throughput"][label].append(measurements.throughput(self.stage, crowd, viewers, self.given.seconds))


def main() -> int:
    given = arguments()
    # So that who ends it ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(given)
    try:
        result = bench.run()
        bench.stage.close()
    except Exception:
        print(json.dumps(bench.result, indent=1), file=sys.stderr)  # what was measured until then
        raise
    finally:
        bench.stage.abandon()
    text = json.dumps(result, indent=1, ensure_ascii=False)
    page = report.markdown(result)
    print(text)
    print("\n" + page, file=sys.stderr)
    if given.save:
        RESULTS.mkdir(exist_ok=True)
        for suffix, content in ((".json", text + "\n"), (".md", page)):
            (RESULTS / f"{result['made_at'][:10]}-{given.save}{suffix}").write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
