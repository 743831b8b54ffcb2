"""Many viewers at once: processes of their own with a thread per viewer, so that Python is not what is measured.

Run as a program it is one such process: it reads its job from standard input, waits for the word to start, and prints what came out.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from wire import Connection  # noqa: E402 (found through the path above)

#: Processes that make the load; each holds its share of the viewers.
PROCESSES = 2


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks at a dashboard: requests that go one after the other over one connection."""

    url: str
    requests: list[bytes]


@dataclass(frozen=True)
class Throughput:
    dashboards: int
    seconds: float
    #: Of each whole dashboard, in milliseconds.
    latencies: list[float]
    #: What the generator itself used of one core, from 0.
    generator_cores: float

    @property
    def per_second(self) -> float:
        return self.dashboards / self.seconds

    @property
    def summary(self) -> dict[str, Any]:
        ordered = sorted(self.latencies)
        return {
            "per_second": round(self.per_second, 3), "dashboards": self.dashboards, "seconds": round(self.seconds, 2),
            "p50_ms": round(ordered[len(ordered) // 2], 1), "p95_ms": round(ordered[math.ceil(0.95 * len(ordered)) - 1], 1),
            "generator_cores": round(self.generator_cores, 3),
        }


def drive(viewers: list[Viewer], dashboards: int) -> Throughput:
    """Has the viewers look at so many dashboards together, rounded up to as many for each, and waits for the last one."""
    each = max(1, math.ceil(dashboards / len(viewers)))
    workers = []
    for number in range(min(PROCESSES, len(viewers))):
        share = viewers[number::PROCESSES]
        job = {"each": each, "viewers": [{"url": v.url, "requests": [b64encode(r).decode() for r in v.requests]} for v in share]}
        process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        workers.append(process)
    for process in workers:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("a load generator did not start")
    begin = time.perf_counter()
    for process in workers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = []
    for process in workers:
        out, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"a load generator ended with {process.returncode}")
        results.append(json.loads(out))
    seconds = max(result["seconds"] for result in results)
    assert seconds <= time.perf_counter() - begin
    latencies = [one for result in results for one in result["latencies"]]
    return Throughput(len(latencies), seconds, latencies, sum(result["cpu_seconds"] for result in results) / seconds)


def work() -> None:
    job = json.loads(sys.stdin.readline())
    latencies: list[float] = []
    failures: list[str] = []
    start = threading.Event()

    def look(viewer: dict[str, Any]) -> None:
        connection = Connection(viewer["url"])
        requests = [b64decode(request) for request in viewer["requests"]]
        try:
            connection.ask(requests[0])  # opens the connection, and is not counted
            ready.release()
            start.wait()
            for _ in range(job["each"]):
                latencies.append(sum(connection.ask(request)[1] for request in requests))
        except Exception as error:
            failures.append(repr(error))
            ready.release()

    ready = threading.Semaphore(0)
    threads = [threading.Thread(target=look, args=(viewer,)) for viewer in job["viewers"]]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    print("ready", flush=True)
    sys.stdin.readline()
    used = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    start.set()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    if failures:
        sys.exit(failures[0])
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "latencies": latencies}))


if __name__ == "__main__":
    work()
