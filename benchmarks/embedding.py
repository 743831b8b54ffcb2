"""How soon a customer sees six charts: pages in Chromium with nothing cached, beside a page that has library and answers already.

*Raw* is the least that six charts of the same library can cost: one page, its one script the charting library, the same answers written
into it. The others are the ways of embedding, from the host's first byte on: a token is there already, as it is when a back end renders it.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request

from embantest.browser import chromium, open_context
from embantest.client import Client
from measurements import in_turns, ratio, summary
from stage import Stage

Json = dict[str, Any]

TENANT = "embedded"
SLUG = "charts"
LONGEST_SECONDS = 60


def _widgets() -> list[Json]:
    def query(**more: Any) -> Json:
        return {"event_name": "api.call", "period": "30d"} | more

    shapes: list[tuple[str, str, str, Json]] = [
        ("calls", "timeseries", "area", query(metric="count")),
        ("latency", "timeseries", "line", query(metric="p95", numeric_prop="latency_ms", group_by="model")),
        ("spend", "timeseries", "bar", query(metric="sum", numeric_prop="cost_usd")),
        ("endpoints", "breakdown", "bar", query(metric="count", group_by="endpoint", limit=8)),
        ("models", "breakdown", "donut", query(metric="count", group_by="model")),
        ("errors", "timeseries", "area", query(metric="count", group_by="model")),
    ]
    return [
        {"id": name, "title": name, "kind": kind, "chart": chart, "query": asked,
         "position": {"x": 4 * (number % 3), "y": 4 * (number // 3), "w": 4, "h": 4}}
        for number, (name, kind, chart, asked) in enumerate(shapes)]


DASHBOARD: Json = {"name": "Charts", "slug": SLUG, "widgets": _widgets()}

#: Runs in every frame: when the last of its charts is in the document with something drawn, as time since the epoch.
WATCH = """
  (() => {
    const wanted = __WANTED__;
    const all = (selector, root = document) => [
      ...root.querySelectorAll(selector), ...[...root.querySelectorAll("*")].flatMap((one) => one.shadowRoot ? all(selector, one.shadowRoot) : [])];
    const drawn = () => all("svg").filter((svg) => svg.getBoundingClientRect().width > 100 && svg.querySelectorAll("path").length > 3).length;
    const look = () => {
      if (drawn() >= wanted) globalThis.benchLastChart = performance.timeOrigin + performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })();
""".replace("__WANTED__", str(len(DASHBOARD["widgets"])))


class Host:
    """Serves the pages of a host, compressed, and keeps nothing."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 (the library's name)
                kind, body = host.files.get(self.path, ("text/plain", b""))
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if body:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, path: str, content: str, kind: str = "text/html; charset=utf-8") -> str:
        self.files[path] = (kind, gzip.compress(content.encode(), 9))
        return self.url + path

    def page(self, path: str, head: str, body: str) -> str:
        return self.put(path, (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title><link rel="icon" href="data:,">{head}</head>'
            f'<body style="margin:0">{body}</body></html>'))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def _host() -> Iterator[Host]:
    host = Host()
    try:
        yield host
    finally:
        host.close()


def _option(chart: str, answer: Json) -> Json:
    """A plain chart of an answer's rows."""
    rows = answer["rows"]
    label = "bucket" if rows and "bucket" in rows[0] else next((name for name in (rows[0] if rows else {}) if name != "value"), "value")
    group = next((name for name in (rows[0] if rows else {}) if name not in (label, "value")), None)
    names = sorted({row[group] for row in rows}) if group else [""]
    labels = list(dict.fromkeys(row[label] for row in rows))
    if chart == "donut":
        return {"animation": False, "series": [{
            "type": "pie", "radius": ["50%", "80%"], "data": [{"name": row[label], "value": row["value"]} for row in rows]}]}
    kind = "bar" if chart == "bar" else "line"
    series = [
        {"type": kind, "name": name, "data": [row["value"] for row in rows if not group or row[group] == name]}
        | ({"areaStyle": {}} if chart == "area" else {})
        for name in names]
    return {"animation": False, "xAxis": {"type": "category", "data": labels}, "yAxis": {"type": "value"}, "series": series}


def _raw_page(host: Host, library: Path, session: Client) -> str:
    host.put("/library.js", library.read_text(), "text/javascript")
    answers = session.post("/v1/embed/query", {}).expect(200)["results"]
    charts = {one["id"]: _option(one["chart"], answers[one["id"]]) for one in DASHBOARD["widgets"]}
    places = "".join(f'<div id="{name}" style="width:400px;height:320px;float:left"></div>' for name in charts)
    options = json.dumps(charts).replace("<", "\\u003c")
    return host.page("/raw", '<script src="/library.js"></script>', (
        f'{places}<script type="application/json" id="answers">{options}</script><script>'
        'for (const [id, option] of Object.entries(JSON.parse(document.getElementById("answers").textContent)))'
        ' echarts.init(document.getElementById(id), null, {renderer: "svg"}).setOption(option);</script>'))


def _pages(host: Host, origin: str, token: str, embed_url: str) -> dict[str, str]:
    return {
        "iframe": host.page("/iframe", f'<script src="{origin}/sdk/emban-embed.js"></script>', (
            '<div id="analytics" style="min-height:800px"></div>'
            f'<script>Emban.create({{container: "#analytics", embedUrl: {json.dumps(embed_url)}}})</script>')),
        "element": host.page("/element", f'<script type="module" src="{origin}/sdk/emban-dashboard.js"></script>', (
            f'<emban-dashboard token="{token}" dashboard-id="{SLUG}"></emban-dashboard>')),
    }


class Visit:
    """One page in a context of its own: nothing is cached. Gives milliseconds from the navigation to the last chart."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.weight: Json = {}

    def __call__(self) -> float:
        context = open_context(self.browser)
        context.add_init_script(WATCH)
        try:
            page = context.new_page()
            # The whole browser builds a window for each context, with pages of its own: their time is not that of what is visited.
            page.wait_for_timeout(2_000)
            finished: list[Request] = []
            page.on("requestfinished", lambda request: finished.append(request))
            page.goto(self.url, wait_until="commit")
            begin = page.evaluate("performance.timeOrigin")
            end = self._last_chart(page)
            # What came last is told a moment later than it is drawn.
            page.wait_for_timeout(500)
            sizes = [one.sizes() for one in finished if not one.url.startswith("data:")]
            self.weight = {
                "requests": len(sizes), "bytes": sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)}
            return end - begin
        finally:
            context.close()

    @staticmethod
    def _last_chart(page: Page) -> float:
        for _ in range(LONGEST_SECONDS * 20):
            for frame in page.frames:
                if at := frame.evaluate("globalThis.benchLastChart ?? 0"):
                    return float(at)
            page.wait_for_timeout(50)
        raise TimeoutError(f"{len(DASHBOARD['widgets'])} charts were not drawn within {LONGEST_SECONDS} s")


def measure(stage: Stage, library: Path, rounds: int, say: Callable[[str], None]) -> Json:
    """`ways`: of each its milliseconds, requests and bytes over the wire, and its time ÷ raw.

    The origins of all pages are local, so that bytes cost what decompressing and running them costs, not what a network would add.
    """
    made = stage.admin.post(
        "/v1/embed-sessions", {"tenant_id": TENANT, "dashboard_id": stage.dashboards[SLUG]["id"], "expires_in": 86_400}).expect(201)
    origin = stage.main.url
    with _host() as host, chromium() as browser:
        urls = {
            "raw": _raw_page(host, library, Client(origin).bearer(made["token"])), "page": made["embed_url"],
            **_pages(host, origin, made["token"], made["embed_url"])}
        visits = {way: Visit(browser, url) for way, url in urls.items()}
        say(f"six charts in Chromium {browser.version}, nothing cached …")
        times = in_turns(rounds, visits)
        ways = {way: times.summary(way) | visit.weight for way, visit in visits.items()}
        for way in visits:
            ways[way]["to_raw"] = ratio(ways[way], ways["raw"])
        return {"browser": browser.version, "ways": ways}
