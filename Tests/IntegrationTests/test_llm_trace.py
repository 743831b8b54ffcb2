"""Real input: the public trace of two LLM services, imported by the program's own command as two tenants."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from embantest.oracle import moment
from embantest.process import EmbanProcess, shared_data
from embantest.workspace import Organization, column, measure, value_of

RANGE = {"from": "2023-11-16T00:00:00Z", "to": "2023-11-18T00:00:00Z"}
COLUMNS = ["ContextTokens", "GeneratedTokens"]
SIZES = {"conv": 19_366, "code": 8_819}


@dataclass
class Trace:
    """One file, read by the standard library."""

    times: list[datetime]
    numbers: dict[str, list[int]]

    @classmethod
    def read(cls, path: Path) -> Trace:
        times: list[datetime] = []
        numbers: dict[str, list[int]] = {name: [] for name in COLUMNS}
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                whole, fraction = row["TIMESTAMP"].split(".")
                when = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
                times.append(when + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))))
                for name in COLUMNS:
                    numbers[name].append(int(row[name]))
        return cls(times, numbers)

    def p95(self, name: str) -> float:
        ordered = sorted(self.numbers[name])
        rank = 0.95 * (len(ordered) - 1)
        low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
        return low + (high - low) * (rank - math.floor(rank))


class Imported:
    def __init__(self, emban: EmbanProcess, organization: Organization) -> None:
        folder = shared_data() / "llm-inference"
        self.organization = organization
        self.traces = {tenant: Trace.read(folder / f"{tenant}.csv") for tenant in SIZES}
        self.output: dict[str, str] = {}
        for tenant in SIZES:
            done = emban.run(
                "import", str(folder / f"{tenant}.csv"), "--url", emban.url, "--tenant", tenant, "--event-name", "llm.call",
                "--timestamp-column", "TIMESTAMP", "--numeric", ",".join(COLUMNS), environment={"EMBAN_API_KEY": organization.key})
            assert done.returncode == 0, done.stdout + done.stderr
            self.output[tenant] = done.stdout + done.stderr

    def ask(self, query: dict[str, Any], tenant: str | None, kind: str = "kpi") -> Any:
        scope = {} if tenant is None else {"tenant_id": tenant}
        full = {"event_name": "llm.call", "period": RANGE, **query}
        return self.organization.query(full, kind=kind, **scope).expect(200)


@pytest.fixture(scope="module")
def imported(emban: EmbanProcess, module_organization: Organization) -> Iterator[Imported]:
    yield Imported(emban, module_organization)


def test_the_files_are_the_published_ones(imported: Imported) -> None:
    assert {tenant: len(trace.times) for tenant, trace in imported.traces.items()} == SIZES
    for tenant, number in SIZES.items():
        digits = imported.output[tenant].replace(",", "").replace(".", "").replace("\u202f", "").replace(" ", "")
        assert str(number) in digits, imported.output[tenant]


@pytest.mark.parametrize("tenant", ["conv", "code"])
def test_calls_sum_avg_and_p95_equal_the_files(imported: Imported, tenant: str) -> None:
    trace = imported.traces[tenant]
    assert value_of(imported.ask({"metric": "count"}, tenant)) == len(trace.times)
    for name in COLUMNS:
        numbers = trace.numbers[name]
        ask = lambda metric: value_of(imported.ask({"metric": metric, "numeric_prop": name}, tenant))  # noqa: E731
        assert ask("sum") == sum(numbers)
        assert ask("avg") == pytest.approx(sum(numbers) / len(numbers), rel=1e-9)
        assert ask("min") == min(numbers) and ask("max") == max(numbers)
        assert ask("p95") == pytest.approx(trace.p95(name), rel=0.01)


def test_without_a_tenant_both_are_counted(imported: Imported) -> None:
    assert value_of(imported.ask({"metric": "count"}, None)) == sum(SIZES.values())
    total = sum(sum(trace.numbers["ContextTokens"]) for trace in imported.traces.values())
    assert value_of(imported.ask({"metric": "sum", "numeric_prop": "ContextTokens"}, None)) == total


@pytest.mark.parametrize("tenant", ["conv", "code"])
def test_minutes_equal_the_files(imported: Imported, tenant: str) -> None:
    trace = imported.traces[tenant]
    calls: Counter[datetime] = Counter()
    tokens: Counter[datetime] = Counter()
    for when, number in zip(trace.times, trace.numbers["GeneratedTokens"], strict=True):
        minute = when.replace(second=0, microsecond=0)
        calls[minute] += 1
        tokens[minute] += number
    start, end = min(calls), max(calls) + timedelta(minutes=1)
    period = {"from": start.isoformat(), "to": end.isoformat()}
    for query, expected in (({"metric": "count"}, calls), ({"metric": "sum", "numeric_prop": "GeneratedTokens"}, tokens)):
        result = imported.ask({**query, "granularity": "minute", "period": period}, tenant, "timeseries")
        time, value = column(result, "time"), measure(result)
        found = {moment(row[time]): row[value] for row in result["rows"]}
        assert {when: number for when, number in found.items() if number} == {k: v for k, v in expected.items() if v}
        assert len(found) == (end - start) // timedelta(minutes=1)


def test_an_automatic_dashboard_shows_a_customer_only_its_own_calls(imported: Imported) -> None:
    organization = imported.organization
    found = organization.admin.get("/v1/discover").expect(200)
    for word in ("llm.call", *COLUMNS):
        assert word in str(found)
    made = organization.admin.post("/v1/discover/auto-create").expect(201)
    assert organization.admin.post(f"/v1/dashboards/{made['dashboard_id']}/publish").status == 204
    session = organization.session("conv", made["dashboard_id"])
    shown = session.dashboard()
    results = session.results({"dateRanges": RANGE})
    assert set(results) == {w["id"] for w in shown["widgets"]} and shown["session"]["tenant_id"] == "conv"
    conv, code = imported.traces["conv"], imported.traces["code"]
    checked = 0
    for widget in shown["widgets"]:
        result, query = results[widget["id"]], widget["query"]
        assert "error" not in result, result
        if widget["kind"] == "timeseries" and query["metric"] == "count" and "group_by" not in query:
            assert sum(row[measure(result)] for row in result["rows"]) == SIZES["conv"]
            checked += 1
        if widget["kind"] != "kpi":
            continue
        got, name = value_of(result), query.get("numeric_prop")
        wanted = {
            "count": lambda t: len(t.times), "sum": lambda t: sum(t.numbers[name]), "avg": lambda t: sum(t.numbers[name]) / len(t.times),
            "p95": lambda t: t.p95(name),
        }
        if query["metric"] in wanted:
            want = wanted[query["metric"]]
            assert got == pytest.approx(want(conv), rel=0.01 if query["metric"] == "p95" else 1e-9)
            assert got != pytest.approx(want(code), rel=0.02)
            checked += 1
    assert checked >= 2, "the dashboard counts calls and measures tokens"
    whole = organization.session("code", made["dashboard_id"]).results({"dateRanges": RANGE})
    assert whole.keys() == results.keys()
    assert all(whole[name]["rows"] != results[name]["rows"] for name in results), "code sees other numbers"


def test_bad_rows_are_counted_with_their_reasons(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(
        "when,customer,model,tokens\n"
        "2026-01-01T00:00:00Z,acme,gpt-4,5\n2026-01-01T00:00:00Z,acme,\"a,b\"\"c\nd\",7\n"
        "not a time,acme,gpt-4,5\n2026-01-01T00:00:00Z,,gpt-4,5\n2026-01-01T00:00:00Z,acme,gpt-4,many\n2026-01-01T00:00:00Z,acme\n")
    done = emban.run(
        "import", str(file), "--url", emban.url, "--tenant-column", "customer", "--event-name", "call", "--timestamp-column", "when",
        "--string", "model", "--numeric", "tokens", environment={"EMBAN_API_KEY": organization.key})
    output = done.stdout + done.stderr
    assert organization.count() == organization.count("acme")
    assert organization.count() in (2, 3), "two rows are whole; one with a word for a number is refused; a short row may be"
    assert "timestamp" in output and "tenant" in output, output
    assert value_of(organization.query({"metric": "sum", "numeric_prop": "tokens"}).expect(200)) == 12


def test_ndjson_is_imported_and_a_repetition_with_ids_adds_nothing(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_text("".join(
        f'{{"id":"c{n}","ts":"2026-02-0{1 + n % 9}T10:00:00Z","who":"t{n % 2}","model":"m{n % 3}","ms":{n}.5}}\n' for n in range(2_500)))
    command = [
        "import", str(file), "--url", emban.url, "--tenant-column", "who", "--event-name", "call", "--timestamp-column", "ts",
        "--string", "model", "--numeric", "ms"]
    done = emban.run(*command, environment={"EMBAN_API_KEY": organization.key})
    assert done.returncode == 0, done.stdout + done.stderr
    assert organization.count("t0") == organization.count("t1") == 1_250
    assert value_of(organization.query({"metric": "sum", "numeric_prop": "ms"}).expect(200)) == sum(n + 0.5 for n in range(2_500))


@pytest.mark.parametrize(("arguments", "words"), [
    (["no-such-file.csv", "--tenant", "a", "--event-name", "x"], ["no-such-file.csv"]),
    (["{csv}", "--event-name", "x"], ["tenant"]), (["{csv}", "--tenant", "a", "--event-name", "x", "--numeric", "nothing"], ["nothing"]),
    (["{csv}", "--tenant", "a", "--event-name", "x", "--timestamp-column", "nowhen"], ["nowhen"]),
    (["{csv}", "--tenant-column", "nobody", "--event-name", "x"], ["nobody"]),
], ids=str)
def test_an_import_that_cannot_work_says_why(
    emban: EmbanProcess, organization: Organization, tmp_path: Path, arguments: list[str], words: list[str],
) -> None:
    (tmp_path / "a.csv").write_text("when,tokens\n2026-01-01T00:00:00Z,5\n")
    filled = [argument.replace("{csv}", str(tmp_path / "a.csv")) for argument in arguments]
    done = emban.run("import", *filled, "--url", emban.url, environment={"EMBAN_API_KEY": organization.key})
    assert done.returncode > 0, done.stdout
    assert all(word in done.stdout + done.stderr for word in words), done.stdout + done.stderr
    assert organization.count() == 0
