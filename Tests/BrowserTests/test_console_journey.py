"""From a blank account to a published dashboard, by hand, as whoever evaluates Emban does it; and what customers see of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from embantest.browser import kpi_number, settled, shoot, shows, table_numbers
from embantest.building import (
    MODELS, People, add, answered, cell, drag, is_at, pick, place, publish, saved, select, shown_number, tab, total, usage,
)
from embantest.client import Client
from embantest.process import EmbanProcess
from embantest.steady import PATIENCE, eventually
from playwright.sync_api import Browser, Page, expect

#: The whole gallery: a chart that is new there is built here as well.
LOOKS = [
    "kpi/stat", "kpi/progress", "kpi/gauge", "timeseries/area", "timeseries/line", "timeseries/bar", "timeseries/stacked_bar", "timeseries/dual_axis",
    "timeseries/waterfall", "breakdown/bar", "breakdown/horizontal_bar", "breakdown/list", "breakdown/donut", "breakdown/funnel", "breakdown/treemap",
    "breakdown/radar", "breakdown/scatter", "table/table", "table/pivot", "heatmap/heatmap", "text/text",
]
ACME, GLOBEX = usage("acme", 640), usage("globex", 260)


@pytest.fixture
def people(own_server: Callable[..., EmbanProcess], browser: Browser) -> Iterator[People]:
    """A server on which nobody has registered yet."""
    made = People(own_server().start(), browser)
    yield made
    made.check()


def test_register_build_publish_embed(people: People) -> None:
    page, watch = people.somebody()
    # Who is not signed in is asked once; and an empty form is refused where it is.
    watch.expected = re.compile(r"status of (401|422)")
    key = register(page, people.origin)
    send_events(page, people.emban, key)
    dashboard = new_dashboard(page)
    build(page)
    arrange(page)
    set_widgets(page)
    set_filters(page)
    set_theme(page)
    saved(page)
    draft = Client(people.emban.url).bearer(key).get(f"/v1/dashboards/{dashboard}").expect(200)
    assert sorted(f"{one['kind']}/{one['chart']}" for one in draft["widgets"]) == sorted(LOOKS)
    assert draft["status"] == "draft" and draft["theme"]["mode"] == "auto" and [one["type"] for one in draft["filters"]] == ["period", "multi_select", "numeric_range"]

    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    shoot(page, "builder-publish-first", full=False)
    page.keyboard.press("Escape")
    publish(page, 1)
    url = mint(page)
    customer = as_customer(people, url)
    sees_first_version(customer)

    people.builder(page, dashboard)
    answered(page, len(LOOKS))
    select(page, "w_1")
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("Title").fill("Distinct users")
    panel.get_by_label("Metric", exact=True).select_option(label="Distinct values")
    cell(page, "w_21").focus()
    page.keyboard.press("Delete")
    expect(cell(page, "w_21")).not_to_be_attached()
    saved(page)
    expect(page.locator(".topbar-live")).to_have_text("Ahead of version 1")

    customer.goto(url)
    sees_first_version(customer)

    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".diff-list .diff-item")).to_have_count(2)
    expect(dialog.locator(".diff-list")).to_contain_text("Changed")
    expect(dialog.locator(".diff-list")).to_contain_text("title, data")
    expect(dialog.locator(".diff-list")).to_contain_text("Removed")
    expect(dialog.locator('.diff-card [data-status="ok"]')).to_have_count(2)
    shoot(page, "builder-publish-diff", full=False)
    dialog.get_by_role("button", name="Publish version 2").click()
    expect(dialog).not_to_be_attached(timeout=3_000 * PATIENCE)

    customer.goto(url)
    settled(customer, len(LOOKS) - 1)
    shows(customer, "w_1", len({one["user_id"] for one in ACME}))
    expect(customer.locator('[data-widget="w_1"]')).to_contain_text("Distinct users")
    expect(customer.locator('[data-widget="w_21"]')).not_to_be_attached()
    page.goto(f"{people.origin}/app")
    expect(page.locator(".step[data-done]")).to_have_count(5)


def register(page: Page, origin: str) -> str:
    """Makes the account and takes the key off the page, where it is shown once."""
    page.goto(f"{origin}/app/register")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".field-error").first).to_be_visible()
    page.get_by_label("Organization").fill("Example Ltd")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("seven green bottles")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".step")).to_have_count(5)
    key = page.get_by_test_id("api-key").inner_text()
    assert key.startswith("eb_adm_")
    return key


def send_events(page: Page, emban: EmbanProcess, key: str) -> None:
    """With that key, by the route that everybody's product uses; the page sees them come."""
    step = page.locator(".step").nth(1)
    expect(step).not_to_have_attribute("data-done", re.compile(""))
    machine = Client(emban.url).bearer(key)
    for start in range(0, len(ACME), 500):
        machine.post("/v1/events", {"events": ACME[start:start + 500]}).expect(200)
    machine.post("/v1/events", {"events": GLOBEX}).expect(200)
    machine.post("/v1/events", {"events": [{"tenant_id": "acme", "event_name": "user.login"}]}).expect(200)
    expect(step).to_have_attribute("data-done", "true")
    eventually(lambda: machine.get("/v1/tenants").expect(200)["data"], lambda rows: {one["tenant_id"]: one["events"] for one in rows} == {"acme": len(ACME) + 1, "globex": len(GLOBEX)})


def new_dashboard(page: Page) -> str:
    page.get_by_role("navigation").get_by_role("link", name="Dashboards", exact=True).click()
    page.get_by_role("button", name="New dashboard").first.click()
    page.get_by_label("Name").fill("API usage")
    page.get_by_role("dialog").get_by_role("button", name="Create", exact=True).click()
    page.locator(".workbench").wait_for()
    shoot(page, "builder-empty", full=False)
    return page.url.rpartition("/")[2]


def build(page: Page) -> None:
    """One widget of each chart that the gallery has."""
    page.locator(".canvas").get_by_role("button", name="Add widget").click()
    expect(page.locator(".gallery-item")).to_have_count(len(LOOKS))
    assert page.locator(".gallery-item").evaluate_all("items => items.map(item => item.dataset.look)") == LOOKS
    page.locator(f'.gallery-item[data-look="{LOOKS[0]}"]').click()
    expect(page.locator(".cell")).to_have_count(1)
    for look in LOOKS[1:]:
        add(page, look)
    answered(page, len(LOOKS))
    assert shown_number(page, "w_1") == len(ACME) + len(GLOBEX)


def arrange(page: Page) -> None:
    """Moves and resizes by mouse: what stands there makes way, Escape puts everything back, undo as well."""
    page.locator(".canvas").evaluate("canvas => canvas.scrollTo(0, 0)")
    before = {name: place(page, name) for name in ("w_1", "w_2", "w_3")}
    drag(page, "w_1", 3, 0, drop=False)
    shoot(page, "builder-drag", full=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert {name: place(page, name) for name in before} == before
    drag(page, "w_1", 3, 0)
    x, y, w, h = before["w_1"]
    is_at(page, "w_1", (x + 3, y, w, h))
    assert place(page, "w_2") != before["w_2"]
    page.keyboard.press("Control+z")
    is_at(page, "w_1", before["w_1"])
    is_at(page, "w_2", before["w_2"])
    drag(page, "w_3", 0, 1, corner=True)
    x, y, w, h = before["w_3"]
    is_at(page, "w_3", (x, y, w, h + 1))


def set_widgets(page: Page) -> None:
    """What a widget measures, and how it looks, on the data of the chosen customer."""
    pick(page, page.locator(".topbar"), "Data of", "acme")
    expect(cell(page, "w_1").locator(".kpi-value")).to_have_text(f"{len(ACME)}")
    select(page, "w_2")
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("Title").fill("Tokens used")
    panel.get_by_label("Metric", exact=True).select_option(label="Sum")
    pick(page, panel, "Property", "tokens")
    panel.get_by_label("Target", exact=True).fill("500000")
    eventually(lambda: shown_number(page, "w_2"), lambda number: number == total(ACME, "tokens"), "the sum of the tokens", pause=0.1)
    select(page, "w_4")
    panel.get_by_label("Colour", exact=True).last.fill("#c2410c")
    shoot(page, "builder-widget", full=False)


def set_filters(page: Page) -> None:
    panel = tab(page, "Filters")
    for _ in range(2):
        panel.get_by_role("button", name="Add filter").click()
    cards = panel.locator(".filter-card")
    expect(cards).to_have_count(3)
    cards.nth(2).get_by_label("Kind").select_option(label="Range of numbers")
    pick(page, cards.nth(2), "Number", "latency_ms")
    pick(page, cards.nth(1), "Property", "model")
    cards.nth(1).get_by_label("Label").fill("Model")
    expect(page.locator(".canvas-filters")).to_contain_text("Model")
    shoot(page, "builder-filters", full=False)


def set_theme(page: Page) -> None:
    panel = tab(page, "Theme")
    panel.get_by_role("button", name="Forest").click()
    panel.get_by_role("radio", name="Auto").click()
    panel.get_by_label("Font", exact=True).select_option(label="Serif")
    expect(panel.get_by_role("button", name="Forest")).to_have_attribute("aria-pressed", "true")
    shoot(page, "builder-theme", full=False)


def mint(page: Page) -> str:
    """An embed session, made in the console."""
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="New embed session").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make session").click()
    url = dialog.get_by_text(re.compile(r"^http\S+/embed/\S+token=\S+$")).inner_text()
    settled(dialog.frame_locator("iframe").locator("body"), len(LOOKS))
    dialog.get_by_role("button", name="Done").click()
    return url


def as_customer(people: People, url: str) -> Page:
    customer, _ = people.somebody()
    customer.goto(url)
    return customer


def sees_first_version(customer: Page) -> None:
    """The numbers of one customer, counted from what was sent."""
    settled(customer, len(LOOKS))
    assert kpi_number(customer, "w_1") == len(ACME)
    assert kpi_number(customer, "w_2") == total(ACME, "tokens")
    expect(customer.locator('[data-widget="w_2"]')).to_contain_text("Tokens used")
    expect(customer.locator('[data-widget="w_1"]')).not_to_contain_text("Distinct users")
    assert table_numbers(customer, "w_18") == Counter(one["string_props"]["model"] for one in ACME)
    assert set(table_numbers(customer, "w_18")) == set(MODELS)
    assert customer.locator(".root").first.evaluate("root => getComputedStyle(root).getPropertyValue('--primary').trim()") == "#0f7a4d"
    expect(customer.locator('[data-widget="w_21"]')).to_be_attached()
    shoot(customer, "builder-customer")
