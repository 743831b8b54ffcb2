"""Chromium, watched: what a page asks for, what it complains about, and what it shows."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser, BrowserContext, ConsoleMessage, Error, Frame, Locator, Page, Request, Response, expect, sync_playwright,
)

from embantest.process import ROOT
from embantest.steady import PATIENCE

SCREENSHOTS = ROOT / ".build" / "screenshots"
expect.set_options(timeout=1_000 * PATIENCE)

#: Runs in every frame before its own scripts: a violation of the page's policy becomes visible to the test.
WATCH_POLICY = """
  addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


def chromium_path() -> str:
    # The one without windows of its own does the same with a tenth of the work for each new page.
    for candidate in (os.environ.get("EMBAN_CHROMIUM"), "/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"):
        if candidate and Path(candidate).exists():
            return candidate
    raise FileNotFoundError("there is no Chromium: set EMBAN_CHROMIUM to its program")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """Everything that a page said and fetched."""

    origins: set[str]
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    bytes: int = 0
    expected: re.Pattern[str] | None = None

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")):
            self.requests.append(f"{request.method} {request.url}")

    def _response(self, response: Response) -> None:
        length = response.headers.get("content-length")
        self.bytes += int(length) if length else 0

    def _failed(self, request: Request) -> None:
        # A page that is closed, or a question that a newer one has replaced.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def foreign(self) -> list[str]:
        """Requests to anybody but the expected origins."""
        return [line for line in self.requests if self._origin(line.split(" ", 1)[1]) not in self.origins]

    @staticmethod
    def _origin(url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    def check(self) -> None:
        """No complaint, but those which the test expects, and no third party."""
        complaints = [text for text in self.complaints if not (self.expected and self.expected.search(text))]
        assert not complaints, complaints
        assert not self.foreign(), self.foreign()


class HostPage:
    """A customer's product: one page on an origin of its own."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 (the library's name)
                text = host.pages.get(self.path.split("?")[0])
                self.send_response(404 if text is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, body: str, head: str = "", path: str = "/") -> str:
        self.pages[path] = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title><link rel="icon" href="data:,">{head}</head>'
            f"<body>{body}</body></html>")
        return self.url + path

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


#: What toasts of the console say, noted as they come into the top layer: they go again after some seconds, whether or not a busy machine
#: has looked.
WATCH_TOASTS = """
  window.embanToasts = [];
  document.addEventListener("toggle", ({ target, newState }) => {
    if (newState !== "open" || !(target instanceof Element) || !target.matches(".toasts")) return;
    for (const toast of target.querySelectorAll(".toast")) window.embanToasts.push(`${toast.className} ${toast.textContent}`);
  }, true);
"""


def open_context(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "timezone_id": "UTC", **options})
    context.set_default_timeout(1_000 * PATIENCE)
    context.add_init_script(WATCH_POLICY)
    context.add_init_script(WATCH_TOASTS)
    return context


def shoot(page: Page, name: str, full: bool = True) -> None:
    """A picture for people to look at, where they ask for it: EMBAN_SCREENSHOTS=1."""
    if os.environ.get("EMBAN_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)


def record(name: str, values: dict[str, Any]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (SCREENSHOTS / f"{name}.json").write_text(json.dumps(values, indent=2) + "\n")


# --- What a dashboard shows -----------------------------------------------------------------------------------------------


#: A chart that shows its table, and one that has no room, draws nothing.
STATUSES = """cards => cards.map((card) => card.dataset.status + card.getAttribute('aria-busy')
  + ([...card.querySelectorAll('.plot-box')].some((box) => box.clientHeight > 0 && !box.querySelector('.plot svg')) ? ' undrawn' : ''))"""

UNPAINTED = "plots => plots.some((plot) => plot.clientHeight > 0 && !plot.querySelector('svg path, svg text'))"


def settled(place: Page | Frame | Locator, widgets: int | None = None) -> None:
    """Waits until every card shows its result: nothing loads, nothing refreshes, every chart is drawn."""
    place.locator('[data-widget][data-status="ok"], [data-widget][data-status="empty"]').first.wait_for()
    owner = place.page if isinstance(place, Locator) else place
    deadline = time.monotonic() + PATIENCE
    while True:
        statuses = place.locator("[data-widget]").evaluate_all(STATUSES)
        if statuses and all(status in ("okfalse", "emptyfalse") for status in statuses) and widgets in (None, len(statuses)):
            return
        assert time.monotonic() < deadline, f"the dashboard did not settle: {statuses}"
        owner.wait_for_timeout(30)


def painted(place: Page | Frame | Locator) -> None:
    """Waits until the marks of all charts are in the document, a picture after they were made. Not for frames that nobody can see."""
    owner = place.page if isinstance(place, Locator) else place
    deadline = time.monotonic() + PATIENCE
    while place.locator(".plot").evaluate_all(UNPAINTED):
        assert time.monotonic() < deadline, "a chart has drawn nothing"
        owner.wait_for_timeout(30)


def card(place: Page | Frame | Locator, widget: str) -> Locator:
    return place.locator(f'[data-widget="{widget}"]')


def number(text: str) -> float:
    """`1,234.5 ms` → 1234.5."""
    found = re.search(r"[-−]?[\d,]+(?:\.\d+)?", text)
    assert found, f"no number in {text!r}"
    return float(found.group().replace(",", "").replace("−", "-"))


def kpi_number(place: Page | Frame | Locator, widget: str) -> float:
    """The number of a kpi card; where it is abbreviated, the full one is its title."""
    value = card(place, widget).locator(".kpi-value")
    return number(value.get_attribute("title") or value.inner_text())


def shows(place: Page | Frame | Locator, widget: str, wanted: float, *, rel: float = 0.0) -> None:
    """Waits until a kpi card shows the number, and until everything beside it has settled: what was asked for by a message, by a host or
    by a click comes when it comes."""
    owner = place.page if isinstance(place, Locator) else place
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            shown: float | str = kpi_number(place, widget)
        except (AssertionError, Error) as error:  # its frame is being replaced, or there is no number yet
            shown = str(error)[:200]
        if isinstance(shown, float) and abs(shown - wanted) <= rel * abs(wanted):
            break
        assert time.monotonic() < deadline, f"{widget} shows {shown}, not {wanted}"
        owner.wait_for_timeout(30)
    settled(place)


def table_numbers(place: Page | Frame | Locator, widget: str) -> dict[str, float]:
    """First column → value column of a table."""
    rows = card(place, widget).locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].innerText.trim(), row.querySelector('td.measure')?.innerText ?? row.cells[1].innerText])")
    return {name: number(value) for name, value in rows}
