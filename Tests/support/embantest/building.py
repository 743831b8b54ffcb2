"""The dashboard builder as people use it: signed in, watched, by mouse and by keys."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from embantest.browser import Watch, open_context
from embantest.client import Client
from embantest.oracle import iso
from embantest.process import EmbanProcess
from embantest.steady import PATIENCE
from embantest.workspace import PASSWORD, Organization, event, session_cookie

Json = dict[str, Any]
MODELS = ["small", "medium", "large", "huge", "tiny"]
REGIONS = ["eu", "us", "asia"]
#: What `POST /v1/dashboards` begins with in the console.
PERIOD_FILTER = {"id": "f_1", "type": "period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]}


def usage(tenant: str, number: int) -> list[Json]:
    """Calls of the last twenty days, each another; those of the last half hour are none of them."""
    now = datetime.now(timezone.utc)
    return [
        event(
            tenant, timestamp=iso(now - timedelta(minutes=40 + 20 * 1440 * (index * 0.6180339887 % 1))), user_id=f"user-{index % 29}",
            string_props={"model": MODELS[index * index % 13 % 5], "region": REGIONS[index % 7 % 3]},
            numeric_props={"latency_ms": 40 + index * 7 % 400, "tokens": 10 + index * 37 % 900})
        for index in range(number)
    ]




ACME, GLOBEX = usage("acme", 230), usage("globex", 90)


@dataclass
class People:
    """Browser contexts of people on one server, closed and looked at by `check`."""

    emban: EmbanProcess
    browser: Browser
    watched: list[tuple[Watch, BrowserContext]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.emban.port}"

    def somebody(self, **options: Any) -> tuple[Page, Watch]:
        """A page of a browser that nobody has used yet."""
        context = open_context(self.browser, **{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options})
        page = context.new_page()
        watch = Watch({self.origin, self.emban.url})
        watch.follow(page)
        self.watched.append((watch, context))
        return page, watch

    def signed_in(self, email: str, password: str, **options: Any) -> tuple[Page, Watch]:
        page, watch = self.somebody(**options)
        self.sign_in(page, email, password)
        return page, watch

    def sign_in(self, page: Page, email: str, password: str) -> None:
        answer = Client(self.emban.url).post("/v1/auth/login", {"email": email, "password": password})
        answer.expect(200)
        page.context.add_cookies([{"name": "emban_session", "value": session_cookie(answer).value, "url": self.origin}])

    def builder(self, page: Page, dashboard: str) -> Page:
        page.goto(f"{self.origin}/app/dashboards/{dashboard}")
        page.locator(".workbench").wait_for()
        return page

    def check(self) -> None:
        for _, context in self.watched:
            context.close()
        for watch, _ in self.watched:
            watch.check()


# --- The canvas -----------------------------------------------------------------------------------------------------------


def cell(page: Page, widget: str) -> Locator:
    return page.locator(f'.cell[data-widget="{widget}"]')


def place(page: Page, widget: str) -> tuple[int, int, int, int]:
    """Column and row, from 0, width and height, as the widget says them to a screen reader."""
    label = cell(page, widget).get_attribute("aria-label") or ""
    found = re.search(r"column (\d+), row (\d+), (\d+) wide, (\d+) high$", label)
    assert found, label
    column, row, width, height = (int(number) for number in found.groups())
    return column - 1, row - 1, width, height


def is_at(page: Page, widget: str, wanted: tuple[int, int, int, int]) -> None:
    x, y, w, h = wanted
    expect(cell(page, widget)).to_have_attribute("aria-label", re.compile(f"column {x + 1}, row {y + 1}, {w} wide, {h} high$"))


def drag(page: Page, widget: str, columns: float, rows: float, *, corner: bool = False, drop: bool = True) -> None:
    """Takes a widget, or its lower right corner, by the mouse and moves it by so many steps of the grid."""
    held = cell(page, widget)
    held.scroll_into_view_if_needed()
    box = held.bounding_box()
    assert box
    column, row = page.locator(".canvas-grid").evaluate("grid => [(grid.clientWidth + 16) / 12, parseFloat(getComputedStyle(grid).gridAutoRows) + 16]")
    x, y = (box["x"] + box["width"] - 8, box["y"] + box["height"] - 8) if corner else (box["x"] + box["width"] / 2, box["y"] + 24)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + columns * column / 2, y + rows * row / 2, steps=4)
    page.mouse.move(x + columns * column, y + rows * row, steps=4)
    expect(page.locator(".canvas-grid[data-dragging]")).to_be_attached()
    if drop:
        page.mouse.up()
        expect(page.locator(".canvas-grid[data-dragging]")).not_to_be_attached()


def add(page: Page, look: str) -> None:
    """Chooses a chart in the gallery."""
    before = page.locator(".cell").count()
    page.locator(".topbar").get_by_role("button", name="Add widget").click()
    page.locator(f'.gallery-item[data-look="{look}"]').click()
    expect(page.locator(".dialog")).not_to_be_attached()
    expect(page.locator(".cell")).to_have_count(before + 1)


def select(page: Page, widget: str) -> None:
    cell(page, widget).scroll_into_view_if_needed()
    cell(page, widget).click(position={"x": 40, "y": 16})
    expect(cell(page, widget)).to_have_class(re.compile("selected"))


def tab(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel")


def pick(page: Page, scope: Page | Locator, label: str, value: str) -> None:
    """Chooses a suggestion of a field that narrows them."""
    field_ = scope.get_by_role("combobox", name=label, exact=True)
    field_.click()
    field_.fill(value)
    page.get_by_role("option", name=re.compile(f"^{re.escape(value)}")).first.click()
    expect(field_).to_have_value(value)


def saved(page: Page) -> None:
    """Waits until the server has what was done last: once the page has had the time to notice that."""
    page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    expect(page.locator(".topbar-status")).to_have_text("Saved")


def answered(page: Page, widgets: int) -> None:
    """Waits until every card of the canvas shows its answer."""
    expect(page.locator('.cell [data-widget]:is([data-status="ok"], [data-status="empty"])')).to_have_count(widgets)


def shown_number(page: Page, widget: str) -> float:
    """Not a number while there is none."""
    value = cell(page, widget).locator(".kpi-value")
    text = value.get_attribute("title") or value.inner_text()
    found = re.search(r"[-−]?[\d,]+(?:\.\d+)?", text)
    return float(found.group().replace(",", "").replace("−", "-")) if found else math.nan


def publish(page: Page, version: int) -> None:
    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=f"Publish version {version}").click()
    # The check of isolation asks every widget.
    expect(dialog).not_to_be_attached(timeout=3_000 * PATIENCE)
    expect(page.locator(".topbar-live")).to_have_text(f"Version {version} is live")


def total(events: list[Json], name: str) -> int:
    return math.fsum(one["numeric_props"][name] for one in events).__int__()


# --- Drafts ----------------------------------------------------------------------------------------------------------------


def stat(widget_id: str, x: int = 0, y: int = 0, **query: Any) -> Json:
    return {"id": widget_id, "title": f"Title of {widget_id}", "kind": "kpi", "chart": "stat", "position": {"x": x, "y": y, "w": 3, "h": 2},
            "query": {"event_name": "api.call", "metric": "count", "period": "30d", **query}}


FOUR = [
    stat("w_1"), stat("w_2", 3, metric="sum", numeric_prop="tokens"), stat("w_3", 0, 2, metric="count_unique"),
    {"id": "w_4", "title": "Calls by model", "kind": "breakdown", "chart": "bar", "position": {"x": 6, "y": 0, "w": 6, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "group_by": "model", "period": "30d"}},
]


def draft(organization: Organization, widgets: list[Json] | None = None, **more: Any) -> str:
    made = organization.create_dashboard(FOUR if widgets is None else widgets, **{"name": "Usage", "filters": [PERIOD_FILTER], **more})
    return made["id"]


def kept(organization: Organization, dashboard: str) -> Json:
    return organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)


def titles(organization: Organization, dashboard: str) -> list[str]:
    return [one["title"] for one in kept(organization, dashboard)["widgets"]]


def owner(people: People, organization: Organization, dashboard: str, **options: Any) -> tuple[Page, Any]:
    page, watch = people.signed_in(organization.email, PASSWORD, **options)
    people.builder(page, dashboard)
    return page, watch


def retitle(page: Page, widget: str, title: str) -> None:
    select(page, widget)
    page.get_by_role("tabpanel").get_by_label("Title").fill(title)


def status(page: Page) -> Locator:
    return page.locator(".topbar-status")


def choose(page: Page, action: str) -> None:
    page.locator(".topbar").get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=action).click()
