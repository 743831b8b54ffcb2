"""The targets, what was measured of them, and the whole as a Markdown page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A target: smaller or larger is better, up to `bound`."""

    name: str
    measured: float | None
    bound: float
    unit: str = ""
    more_is_better: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.more_is_better else self.measured <= self.bound

    @property
    def json(self) -> Json:
        return {
            "target": self.name, "bound": f"{self.sign} {self.bound:g}{self.unit}", "measured": self.measured, "met": self.is_met,
            "note": self.note}

    @property
    def sign(self) -> str:
        return "≥" if self.more_is_better else "≤"

    @property
    def cells(self) -> list[str]:
        measured = "—" if self.measured is None else f"{self.measured:.3g}{self.unit}" if self.measured < 1000 else f"{self.measured:.0f}{self.unit}"
        met = {True: "yes", False: "**no**", None: "not measured"}[self.is_met]
        return [self.name, f"{self.sign} {self.bound:g}{self.unit}", measured, met, self.note]


def targets(result: Json) -> list[Row]:
    """The last table of the design, as far as it is about queries; one row for each way and level."""
    rows: list[Row] = []
    for figures in result["latency"]:
        tenant = figures["label"]
        for variant, words in VARIANT_WORDS.items():
            one = figures[variant]
            worst = {at: max(one["widgets"].items(), key=lambda item: item[1]["to_raw"][at]) for at in ("p50", "p95")}
            for at, bound in (("p50", 1.3), ("p95", 1.5)):
                name, widget = worst[at]
                rows.append(Row(
                    f"widget through the API ÷ the same SQL straight, {at}; {tenant}, {words}", one["one_by_one_to_raw"][at], bound,
                    note=f"worst: {name} {widget['to_raw'][at]:.2f}, at {widget['raw'][f'{at}_ms']:.1f} ms raw"))
            rows.append(Row(
                f"dashboard of 6 ÷ sum of its 6 raw queries; {tenant}, {words}", one["dashboard_to_sum_of_raw"]["p50"], 0.6,
                note=f"{one['dashboard']['p50_ms']:.1f} ms; p95 {one['dashboard_to_sum_of_raw']['p95']:.2f}"))
        over = figures["rollups"]["dashboard_to_sum_of_raw_over_events"]
        rows.append(Row(
            f"dashboard of 6 with rollups ÷ sum of its 6 raw queries over the events; {tenant}", over["p50"], 0.6,
            note=f"{figures['rollups']['dashboard']['p50_ms']:.1f} ms; p95 {over['p95']:.2f}"))
    for label, again in result["repeated"].items():
        for way, words in (("at_once", "at once"), ("later", "after half a second")):
            measured = again.get(f"{way}_to_first", {})
            note = f"{again[way]['p50_ms']:.2f} ms ÷ {again['first']['p50_ms']:.1f} ms; p95 {measured['p95']:.2f}" if again else ""
            rows.append(Row(f"repeated view ÷ first view, {words}; {label}", measured.get("p50"), 0.1, note=note))
    for label, grown in result["growth"].items():
        for variant, words in VARIANT_WORDS.items():
            rows.append(Row(
                f"view of a tenant as the others grow 10×; {label}, {words}", grown["after_to_before"][variant]["p50"], 1.2,
                note=f"the raw SQL alike {grown['after_to_before']['raw']['p50']:.2f}"))
    for label, levels in result["throughput"].items():
        for one in levels:
            for variant, words in VARIANT_WORDS.items():
                rows.append(Row(
                    f"dashboards a second ÷ six raw queries each, {one['viewers']} viewers; {label}, {words}", one[f"{variant}_to_raw"], 1.5,
                    more_is_better=True, note=f"{one[variant]['per_second']:.3g}/s, p95 {one[variant]['p95_ms']:.0f} ms"))
    if result["year"]:
        figures = result["year"]
        worst, slowest_widget = max(figures["widgets"].items(), key=lambda item: item[1]["p50_ms"])
        rows.append(Row(
            "a year's slowest widget with rollups", slowest_widget["p50_ms"], 100, " ms",
            note=f"{worst} ({slowest_widget['metric']}); all: " + ", ".join(f"{name} {one['p50_ms']:.0f}" for name, one in figures["widgets"].items())))
        rows.append(Row(
            "a year's dashboard with rollups", figures["rollups"]["p50_ms"], 100, " ms",
            note=f"p95 {figures['rollups']['p95_ms']:.0f} ms; without rollups {figures['events']['p50_ms']:.0f} ms, raw {figures['raw']['p50_ms']:.0f} ms"))
    for cell in result["ingest"]:
        bound = INGEST_BOUNDS.get((cell["events_in_request"], cell["connections"]))
        if bound is not None:
            api, ids, straight = (cell["ways"][way] for way in ("api", "api_ids", "json"))
            rows.append(Row(
                f"events a second ÷ the same inserted straight; {requests(cell)}", cell["api_to_json"], bound, more_is_better=True,
                note=f"{api['events_per_second']:,} ÷ {straight['events_per_second']:,}; p99 {milliseconds(api['p99_ms'])}; "
                f"÷ the fastest straight way {cell['api_to_best']}"))
            if bound == 1:
                rows.append(Row(
                    f"the same with an id in each event, ÷ inserted straight without; {requests(cell)}", cell["api_ids_to_json"], bound,
                    more_is_better=True, note=f"{ids['events_per_second']:,} events/s; p99 {milliseconds(ids['p99_ms'])}"))
    if result["ingest"]:
        rows.append(Row(
            "most resident memory of emban while it takes events", result["memory"]["emban_ingest_peak_mib"], 300, " MiB",
            note="of all rows below, one after the other"))
    if result["embed"]:
        for way, words in EMBED_WORDS.items():
            one = result["embed"]["ways"][way]
            rows += [
                Row(f"six charts in Chromium, cold, to the last chart; {words}", one["p50_ms"] / 1000, 0.6, " s",
                    note=f"p95 {one['p95_ms']:.0f} ms; {one['to_raw']['p50']:.2f} × the raw page"),
                Row(f"bytes over the wire; {words}", one["bytes"] / 1000, 450, " kB", note="compressed, with headers"),
                Row(f"requests; {words}", one["requests"], 8)]
    if result["visible"]:
        slowest = max(result["visible"].values(), key=lambda one: one["p95_ms"])
        rows.append(Row("from acceptance to visible in every process, p95", slowest["p95_ms"] / 1000, 1.0, " s"))
    rows.append(Row("idle resident memory of emban alone", result["memory"]["emban_idle_mib"], 100, " MiB"))
    return rows


#: By events in a request and connections.
INGEST_BOUNDS = {(1_000, 8): 1.0, (1, 64): 10.0}
INGEST_WORDS = {
    "api": "API", "api_ids": "API, an id in each", "json": "straight, JSONEachRow", "binary": "straight, RowBinary", "async": "straight, async_insert"}
#: The ways of embedding that the target is about, beside `raw`.
EMBED_WORDS = {"iframe": "iframe by emban-embed.js", "element": "<emban-dashboard>", "page": "the page /embed by itself"}
VARIANT_WORDS = {"events": "no rollups", "rollups": "rollups"}


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def requests(cell: Json) -> str:
    size = cell["events_in_request"]
    return f"{size:,} event{'s' if size > 1 else ''} a request, {cell['connections']} connection{'s' if cell['connections'] > 1 else ''}"


def milliseconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


def ingest_tables(cells: list[Json]) -> list[str]:
    rows = []
    for cell in cells:
        straight = cell["ways"]["json"]["events_per_second"]
        for way, one in cell["ways"].items():
            cpu = one["cpu_s_per_million"]
            rows.append([
                requests(cell) if way == "api" else "", INGEST_WORDS[way], f"{one['events_per_second']:,}",
                f"{one['lowest']:,} … {one['highest']:,}", f"{one['events_per_second'] / straight:.2f}" if straight else "—",
                milliseconds(one["p50_ms"]), milliseconds(one["p99_ms"]), f"{cpu['emban']:.1f}", f"{cpu['clickhouse']:.1f}",
                str(one["memory_mib"]["emban"]), str(one["memory_mib"]["clickhouse"]), str(sum(one["refused"].values()) or "")])
    heads = [
        "", "", "events/s", "lowest … highest round", "÷ straight", "p50", "p99", "CPU s a million: emban", "ClickHouse", "MiB emban", "ClickHouse",
        "refused"]
    return [
        "## Events, stored", "The same senders, over the same connections, each sending its next request when the last one is answered. *Straight* is an "
        "`INSERT` of the same rows into the same table; `async_insert` is ClickHouse's own group commit, waited for. Every run begins with empty tables; "
        "CPU seconds include the merges until there is nothing left to merge; what was acknowledged is counted afterwards.", table(heads, rows)]


def embed_table(figures: Json) -> list[str]:
    rows = [
        [words, *levels(one), f"{one['to_raw']['p50']:.2f}", f"{one['bytes'] / 1000:.0f}", str(one["requests"])]
        for way, words in ({"raw": "raw: library and answers in one page"} | EMBED_WORDS).items() for one in [figures["ways"][way]]]
    return [
        "## Six charts in a browser", f"Chromium {figures['browser']} without a window, a context of its own for each visit, so that nothing is cached; "
        "milliseconds from the navigation to the host's page until the last chart is in the document. *Raw* is one page with Apache ECharts as its only "
        "script, and the same answers written into it.", table(["", "p50", "p95", "÷ raw p50", "kB", "requests"], rows)]


def markdown(result: Json) -> str:
    machine, data = result["machine"], result["data"]
    parts = [
        f"# Beside raw ClickHouse, {result['made_at'][:10]}",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; emban {machine['emban']} "
        f"({machine['build']} build of {machine['commit']}), ClickHouse {machine['clickhouse']} as its child. "
        + (f"{data['others']:,} events of {data['tenants']:,} tenants, {data['big']:,} of one more over 90 days"
           + (f", {data['year']:,} of another over a year" if data["year"] else "") + ". " if result["latency"] or result["throughput"] else "")
        + f"`{result['command']}`, {result['seconds']:.0f} s.",
        "All ratios are of times taken in turns in one run, of views at one connection, without a cache unless it says so. *Straight* is the same SQL with the "
        "same bound values as the same database user, over HTTP, from the same client. *No rollups* asks the events; *rollups* is the program as it "
        "comes, against the SQL that it then sends.",
        "## Targets", table(["target", "bound", "measured", "met", ""], [row.cells for row in targets(result)]),
    ]
    if result["ingest"]:
        parts += ingest_tables(result["ingest"])
    if result["embed"]:
        parts += embed_table(result["embed"])
    if result["latency"]:
        parts.append("## Milliseconds, one viewer")
    for figures in result["latency"]:
        rows = []
        for variant, words in VARIANT_WORDS.items():
            one = figures[variant]
            for name, widget in one["widgets"].items():
                rows.append([words, f"{name} ({widget['metric']})", *levels(widget["api"]), *levels(widget["raw"]), f"{widget['to_raw']['p50']:.2f}",
                             f"{widget['to_raw']['p95']:.2f}"])
            rows.append([words, "**the dashboard ÷ the sum**", *levels(one["dashboard"]), *levels(one["sum_of_raw"]),
                         f"{one['dashboard_to_sum_of_raw']['p50']:.2f}", f"{one['dashboard_to_sum_of_raw']['p95']:.2f}"])
        parts += [f"### {figures['label']}", table(["", "", "API p50", "p95", "straight p50", "p95", "÷ p50", "÷ p95"], rows)]
    if result["throughput"]:
        parts += ["## Many viewers, dashboards a second", table(
            ["", "viewers", "no rollups", "rollups", "raw", "p95 no rollups", "p95 rollups", "p95 raw", "emban MiB", "ClickHouse MiB"],
            [[label, str(one["viewers"]), *(f"{one[way]['per_second']:.3g}" for way in ("events", "rollups", "raw")),
              *(f"{one[way]['p95_ms']:.0f} ms" for way in ("events", "rollups", "raw")), str(one["memory_mib"].get("emban", 0)),
              str(one["memory_mib"].get("clickhouse", 0))]
             for label, some in result["throughput"].items() for one in some])]
    memory = result["memory"]
    parts += ["## Memory, MiB resident", table(
        ["", "emban", "ClickHouse"],
        [["idle, nothing stored", str(memory["emban_idle_mib"]), str(memory["clickhouse_idle_mib"])],
         ["after all of this", str(memory["emban_after_mib"]), str(memory["clickhouse_after_mib"])],
         ["most", str(memory["emban_peak_mib"]), str(memory["clickhouse_peak_mib"])]])]
    return "\n\n".join(parts) + "\n"


def levels(figures: Json) -> list[str]:
    return [f"{figures['p50_ms']:.1f}", f"{figures['p95_ms']:.1f}"]
