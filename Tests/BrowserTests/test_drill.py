"""Clicks: filtering the dashboard by a value, the drill panel, and the menu of a card, in the page and in a host's frame."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.browser import HostPage, card, kpi_number, number, painted, settled, shoot, shows
from embantest.process import EmbanProcess
from embantest.stage import FILTERS, Stage
from embantest.steady import eventually
from embantest.workspace import Organization, Session, groups
from playwright.sync_api import Browser, Download, Frame, Locator, Page, Request, Route, expect

Hosts = Callable[[], HostPage]
Json = dict[str, Any]

COUNT = {"event_name": "api.call", "metric": "count", "period": "30d"}


def widget(name: str, title: str, kind: str, chart: str, x: int, y: int, query: Json, **options: Any) -> Json:
    return {"id": name, "title": title, "kind": kind, "chart": chart, "position": {"x": x, "y": y, "w": 6, "h": 4},
            "query": {**COUNT, **query}, "options": options}


#: `status` has no control of its own; `model` and `endpoint` have.
WIDGETS = [
    widget("w_calls", "API calls", "kpi", "stat", 0, 0, {}),
    widget("w_time", "Calls over time", "timeseries", "bar", 6, 0, {}),
    widget("w_models", "Models", "breakdown", "horizontal_bar", 6, 4, {"group_by": "model"}),
    widget("w_endpoints", "Endpoints", "breakdown", "list", 0, 4, {"group_by": "endpoint"}),
    widget("w_status", "Status, filtering", "breakdown", "list", 0, 8, {"group_by": "status"}, on_click="filter"),
    widget("w_outcome", "Status, drilling", "breakdown", "list", 6, 8, {"group_by": "status"}),
    widget("w_table", "Tokens by endpoint", "table", "table", 0, 12, {"group_by": "endpoint", "metric": "sum", "numeric_prop": "tokens"},
           on_click="drill"),
    widget("w_told", "Models, told", "breakdown", "list", 6, 12, {"group_by": "model"}, on_click="none"),
]
NAMES = [each["id"] for each in WIDGETS]


@pytest.fixture(scope="module")
def clickable(published: tuple[Organization, str]) -> str:
    return published[0].create_dashboard(WIDGETS, filters=FILTERS, name="Clicks", publish=True)["id"]


@pytest.fixture
def clicks(emban: EmbanProcess, published: tuple[Organization, str], clickable: str, browser: Browser) -> Iterator[Stage]:
    made = Stage(emban, published[0], clickable, browser)
    yield made
    for _, context in made.watched:
        context.close()
    for watch, _ in made.watched:
        watch.check()


class Asked:
    """The requests for data that a page makes."""

    def __init__(self, page: Page) -> None:
        self.all: list[tuple[str, Json]] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        name = request.url.split("?")[0].rpartition("/v1/embed/")[2]
        if name in ("query", "drill", "export"):
            assert "ey" not in request.url.partition("?")[2].replace("widget=", ""), f"a token in {request.url}"
            self.all.append((name, json.loads(request.post_data or "{}")))

    def take(self, name: str) -> list[Json]:
        found = [body for asked, body in self.all if asked == name]
        self.all = [(asked, body) for asked, body in self.all if asked != name]
        return found


def opened(clicks: Stage, session: Session | None = None, **options: Any) -> tuple[Page, Session, Asked]:
    session = session or clicks.session()
    page, _ = clicks.page(**options)
    page.goto(f"{clicks.origin}/embed/{clicks.dashboard}#token={session.token}")
    settled(page)
    painted(page)
    asked = Asked(page)
    return page, session, asked


def value(place: Page | Frame | Locator, name: str, text: str) -> Locator:
    return card(place, name).get_by_role("button", name=text, exact=True)


def panel(place: Page | Frame | Locator) -> Locator:
    return place.locator("dialog.drill[open]")


def rows(place: Page | Frame | Locator) -> dict[str, float]:
    """First column → measure of the breakdown in the panel."""
    table = panel(place).locator(".drill-body:not([aria-busy]):not([data-stale]) table.groups")
    table.wait_for()
    return {name.strip(): number(text) for name, text in table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].innerText, row.cells[1].innerText])")}


def focused(page: Page) -> str:
    return page.evaluate("""() => {
      let active = document.activeElement;
      while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
      return active?.getAttribute("aria-label") ?? active?.textContent ?? "";
    }""")


def listed(place: Page | Frame, name: str) -> dict[str, float]:
    """The rows of a list card."""
    return {label.strip(): number(text) for label, text in card(place, name).locator(".list-row").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.list-label').innerText, row.querySelector('.list-value').innerText])")}


def menu(place: Page | Frame, name: str) -> None:
    card(place, name).get_by_role("button", name=re.compile("^Menu")).click()


# --- Filtering by a click -------------------------------------------------------------------------------------------------


def test_a_click_filters_the_other_widgets_in_one_request_and_is_taken_back_by_the_next(clicks: Stage) -> None:
    page, session, asked = opened(clicks)
    before = card(page, "w_status").inner_text()
    value(page, "w_status", "error").click()
    page.wait_for_timeout(200)
    settled(page)
    state = {"period": "30d", "dimensions": {"status": ["error"]}}
    sent = asked.take("query")
    assert [(body["state"], sorted(body["widgets"])) for body in sent] == [(state, sorted(set(NAMES) - {"w_status"}))]
    assert kpi_number(page, "w_calls") == session.value("w_calls", state)
    # The clicked widget keeps all its values, and marks the chosen one.
    assert card(page, "w_status").inner_text() == before
    expect(value(page, "w_status", "error")).to_have_attribute("aria-pressed", "true")
    expect(value(page, "w_status", "success")).to_have_attribute("aria-pressed", "false")
    assert card(page, "w_status").locator(".list-row.faded").count() == 1
    # Without a control for it, the filter shows as a chip.
    chips = page.get_by_role("group", name="Active filters")
    expect(chips.get_by_role("button", name="Remove filter Status error")).to_be_visible()
    shoot(page, "cross-filter")
    value(page, "w_status", "error").click()
    page.wait_for_timeout(200)
    settled(page)
    assert [body["state"] for body in asked.take("query")] == [{"period": "30d"}]
    assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "30d"})
    expect(chips).to_be_hidden()
    value(page, "w_status", "error").click()
    chips.get_by_role("button", name="Remove filter Status error").click()
    shows(page, "w_calls", session.value("w_calls", {"period": "30d"}))
    expect(value(page, "w_status", "error")).to_have_attribute("aria-pressed", "false")


def press(page: Page, target: Locator) -> None:
    target.scroll_into_view_if_needed()
    target.hover()
    page.mouse.down()


def test_an_answer_between_press_and_release_swallows_no_click(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    widget = card(page, "w_status")
    before = widget.inner_text()
    press(page, value(page, "w_status", "error"))
    page.evaluate("document.querySelector('emban-dashboard').setFilters({period: '7d'})")
    shows(page, "w_calls", session.value("w_calls", {"period": "7d"}))
    assert widget.inner_text() == before, "drawn when the pointer is released"
    page.mouse.up()
    state = {"period": "7d", "dimensions": {"status": ["error"]}}
    shows(page, "w_calls", session.value("w_calls", state))
    expect(value(page, "w_status", "error")).to_have_attribute("aria-pressed", "true")
    week = groups(session.result("w_status", {"period": "7d"}))
    eventually(lambda: listed(page, "w_status"), lambda shown: shown == week, f"{week} once it is released")
    # Pressed and released elsewhere: no click, and nothing is held back for ever.
    press(page, value(page, "w_status", "success"))
    page.evaluate("document.querySelector('emban-dashboard').setFilters({period: '90d'})")
    shows(page, "w_calls", session.value("w_calls", {**state, "period": "90d"}))
    page.mouse.move(2, 2)
    page.mouse.up()
    quarter = groups(session.result("w_status", {"period": "90d"}))
    eventually(lambda: listed(page, "w_status"), lambda shown: shown == quarter, f"{quarter} after a release elsewhere")
    assert kpi_number(page, "w_calls") == session.value("w_calls", {**state, "period": "90d"})


def test_neither_do_found_values_nor_the_next_level(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    held: list[Route] = []
    page.get_by_role("group", name="Filters").get_by_role("button", name="Endpoint").click()
    option = page.get_by_role("option", name="/v1/chat")
    option.wait_for()
    page.route("**/v1/embed/filter-values*", lambda route: held.append(route))
    page.get_by_role("combobox").fill("/v1")
    eventually(lambda: page.wait_for_timeout(20) or held, what="the search is asked for")
    press(page, option)
    with page.expect_response("**/v1/embed/filter-values*"):
        held.pop().continue_()
    page.wait_for_timeout(300)
    page.mouse.up()
    state = {"period": "30d", "dimensions": {"endpoint": ["/v1/chat"]}}
    shows(page, "w_calls", session.value("w_calls", state))

    value(page, "w_outcome", "error").click()
    rows(page)
    page.route("**/v1/embed/drill", lambda route: held.append(route))
    panel(page).get_by_role("radio", name="Endpoint").click()
    eventually(lambda: page.wait_for_timeout(20) or held, what="the other dimension is asked for")
    press(page, panel(page).get_by_role("radio", name="Model"))
    with page.expect_response("**/v1/embed/drill"):
        held.pop().continue_()
    page.wait_for_timeout(300)
    page.mouse.up()
    expect(panel(page).get_by_role("radio", name="Model")).to_be_checked()
    page.unroute("**/v1/embed/drill")


def test_the_keyboard_filters_and_keeps_its_place(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    value(page, "w_endpoints", "/v1/chat").focus()
    page.keyboard.press("Enter")
    shows(page, "w_calls", session.value("w_calls", {"period": "30d", "dimensions": {"endpoint": ["/v1/chat"]}}))
    assert focused(page) == "/v1/chat"
    expect(page.locator('[data-filter="f_endpoint"]')).to_contain_text("/v1/chat")
    page.keyboard.press("Enter")
    shows(page, "w_calls", session.value("w_calls", {"period": "30d"}))


def test_another_period_asks_for_the_clicked_widget_without_its_own_filter(clicks: Stage) -> None:
    page, session, asked = opened(clicks)
    value(page, "w_status", "error").click()
    page.get_by_role("radio", name="7 days").click()
    page.wait_for_timeout(300)
    settled(page)
    # By the label's text: the numbers of the other value belong to the new period, too.
    expected = groups(session.result("w_status", {"period": "7d"}))
    shown = dict(card(page, "w_status").locator(".list-row").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.list-label').innerText, row.querySelector('.list-value').innerText])"))
    assert {name: number(text) for name, text in shown.items()} == expected
    assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "7d", "dimensions": {"status": ["error"]}})


def test_two_values_of_a_filter_for_several_add_up(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    box = card(page, "w_models").locator(".plot").bounding_box()
    assert box
    # Bars stand one below the other from the top: this is in the first.
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 24)
    page.wait_for_timeout(300)
    settled(page)
    first = page.locator(".chip-value").inner_text()
    other = next(name for name in ("claude", "gpt-4", "gpt-4o") if name != first)
    # The same by keyboard, in the table that stands for the chart.
    card(page, "w_models").get_by_role("button", name=re.compile("^View as table")).click()
    value(page, "w_models", other).focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    settled(page)
    assert focused(page) == other
    chips = page.get_by_role("group", name="Active filters").locator(".chip-value").all_inner_texts()
    assert chips == [first, other]
    assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "30d", "dimensions": {"model": chips}})


# --- The panel ------------------------------------------------------------------------------------------------------------


def test_level_after_level_to_the_events(clicks: Stage) -> None:
    page, session, asked = opened(clicks)
    value(page, "w_outcome", "error").click()
    expect(panel(page).get_by_role("heading", name="Status, drilling")).to_be_visible()
    first = rows(page)
    body = {"dashboard": clicks.dashboard, "widget": "w_outcome", "dimension": "status", "value": "error", "next_dimension": "model", "state": {"period": "30d"}}
    assert asked.take("drill") == [body]
    assert first == groups(session.drill("w_outcome", "status", "error", {"period": "30d"}, next_dimension="model").expect(200))
    # Dimensions that are open already are no choice.
    assert panel(page).get_by_role("radio").all_inner_texts() == ["Model", "Endpoint"]
    shoot(page, "drill-panel", full=False)
    panel(page).get_by_role("button", name="claude").click()
    second = rows(page)
    assert asked.take("drill") == [{**body, "filters": [{"dimension": "model", "value": "claude"}], "next_dimension": "endpoint"}]
    assert sum(second.values()) == first["claude"]
    assert panel(page).locator(".drill-path li").all_inner_texts() == ["Status: error", "Model: claude"]
    assert panel(page).get_by_role("radio").all_inner_texts() == ["Endpoint"]
    assert focused(page) == "Model: claude"
    panel(page).get_by_role("tab", name="Events").click()
    events = panel(page).locator(".drill-body:not([aria-busy]) table.rows tbody tr")
    expect(events).to_have_count(int(first["claude"]))
    assert "next_dimension" not in asked.take("drill")[0]
    # What was opened is not said again in each row; what the session may see is.
    assert panel(page).get_by_role("columnheader").all_inner_texts() == ["Time", "User ID", "Endpoint"]
    shoot(page, "drill-events", full=False)
    panel(page).get_by_role("button", name="Status: error").click()
    panel(page).get_by_role("tab", name="Breakdown").click()
    assert rows(page) == first
    assert asked.take("drill") == [{key: body[key] for key in ("dashboard", "widget", "dimension", "value", "state")}], "a level once shown is not asked for again"


def test_the_columns_sort(clicks: Stage) -> None:
    page, _, _ = opened(clicks)
    value(page, "w_table", "/v1/batch").click()
    expected = sorted(rows(page), key=str.lower)
    for direction in ("ascending", "descending"):
        panel(page).get_by_role("button", name="Model", exact=True).click()
        expect(panel(page).get_by_role("columnheader", name="Model")).to_have_attribute("aria-sort", direction)
        assert list(rows(page)) == (expected if direction == "ascending" else expected[::-1])
        assert focused(page) == "Model"


def test_the_keyboard_opens_stays_inside_and_returns(clicks: Stage) -> None:
    page, _, _ = opened(clicks)
    value(page, "w_outcome", "error").focus()
    page.keyboard.press("Enter")
    rows(page)
    assert focused(page) == "Status, drilling"
    inside = "() => { let a = document.activeElement; while (a?.shadowRoot?.activeElement) a = a.shadowRoot.activeElement; return a?.closest('dialog') !== null }"
    seen = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
        seen.add(focused(page))
    assert {"Close", "Breakdown", "Model", "claude", "gpt-4"} <= seen, seen
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(inside)
    panel(page).get_by_role("tab", name="Breakdown").focus()
    page.keyboard.press("ArrowRight")
    expect(panel(page).get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true")
    expect(panel(page).get_by_role("tab", name="Events")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    panel(page).get_by_role("radio", name="Model").focus()
    page.keyboard.press("ArrowRight")
    expect(panel(page).get_by_role("radio", name="Endpoint")).to_be_checked()
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    assert focused(page) == "error"


def test_a_click_beside_the_panel_closes_it(clicks: Stage) -> None:
    page, _, _ = opened(clicks)
    value(page, "w_outcome", "error").click()
    rows(page)
    page.mouse.click(200, 300)
    expect(panel(page)).to_have_count(0)
    value(page, "w_outcome", "error").click()
    panel(page).get_by_role("button", name="Close").click()
    expect(panel(page)).to_have_count(0)


def test_a_bucket_of_time_is_a_range(clicks: Stage) -> None:
    page, session, asked = opened(clicks)
    box = card(page, "w_time").locator(".plot").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8)
    shown = rows(page)
    sent = asked.take("drill")
    assert len(sent) == 1 and "dimension" not in sent[0]
    # Exactly the bucket, so that the panel's parts sum to the bar that was clicked.
    bar = {row["time"]: row["value"] for row in session.result("w_time", {"period": "30d"})["rows"]}
    assert sum(shown.values()) == bar[sent[0]["range"]["from"]]
    assert sent[0]["range"]["to"] in bar
    panel(page).get_by_role("button", name="claude").click()
    rows(page)
    panel(page).locator(".drill-path").get_by_role("button").click()
    assert rows(page) == shown


def test_the_details_of_a_number(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    menu(page, "w_calls")
    page.get_by_role("menuitem", name="Show details").click()
    assert sum(rows(page).values()) == session.value("w_calls", {"period": "30d"})
    page.keyboard.press("Escape")
    assert focused(page) == "Menu: API calls"


def test_nothing_behind_it_and_a_failure(clicks: Stage) -> None:
    page, _, _ = opened(clicks)
    clicks.watched[-1][0].expected = re.compile("50[03]")
    failing = True

    def answer(route: Any) -> None:
        if failing:
            route.fulfill(status=503, content_type="application/json", body='{"code": "unavailable", "message": "Later.", "error": "Later."}')
        else:
            route.continue_()

    page.route("**/v1/embed/drill", answer)
    value(page, "w_outcome", "error").click()
    expect(panel(page).get_by_role("alert")).to_contain_text("Temporarily unavailable")
    failing = False
    panel(page).get_by_role("button", name="Try again").click()
    assert rows(page)
    page.keyboard.press("Escape")
    # A value that no event of this state has.
    page.unroute("**/v1/embed/drill")
    page.evaluate("document.querySelector('emban-dashboard').setFilters({numericRanges: {latency_ms: {max: 0}}})")
    page.route("**/v1/embed/drill", lambda route: route.continue_())
    page.wait_for_timeout(300)
    expect(card(page, "w_outcome")).to_contain_text("No data")


def test_the_host_may_change_the_filters_meanwhile(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    value(page, "w_outcome", "error").click()
    rows(page)
    page.evaluate("document.querySelector('emban-dashboard').setFilters({period: '7d'})")
    expected = groups(session.drill("w_outcome", "status", "error", {"period": "7d"}, next_dimension="model").expect(200))
    eventually(lambda: rows(page), lambda shown: shown == expected, f"{expected} in the panel")


def test_as_a_sheet_on_a_phone_and_in_the_dark(clicks: Stage) -> None:
    page, _, _ = opened(clicks, viewport={"width": 360, "height": 740}, has_touch=True)
    value(page, "w_outcome", "error").tap()
    rows(page)
    eventually(lambda: panel(page).bounding_box(), lambda box: box == {"x": 0, "y": 0, "width": 360, "height": 740}, "the whole page, once it has come in")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shoot(page, "drill-phone", full=False)
    panel(page).get_by_role("tab", name="Events").tap()
    panel(page).locator("table.rows").wait_for()
    shoot(page, "drill-phone-events", full=False)
    panel(page).get_by_role("button", name="Close").tap()
    page.evaluate("document.querySelector('emban-dashboard').setTheme({mode: 'dark'})")
    value(page, "w_outcome", "error").tap()
    rows(page)
    page.wait_for_timeout(250)
    shoot(page, "drill-phone-dark", full=False)


# --- In a host's page -----------------------------------------------------------------------------------------------------


def test_the_host_hears_of_every_click_and_the_panel_stands_where_the_viewer_looks(clicks: Stage, host_page: Hosts) -> None:
    session = clicks.session()
    host = host_page()
    page, _ = clicks.page(host=host)
    head = f'<script src="{clicks.origin}/sdk/emban-embed.js"></script>'
    page.goto(host.serve('<h1 style="height: 400px">Host</h1><div id="place"></div><p style="height: 900px">Below</p>', head))
    page.evaluate(
        "url => { window.drills = []; window.embed = Emban.create({container: '#place', embedUrl: url}); embed.on('drill', e => drills.push(e)); }",
        f"{clicks.origin}/embed/{clicks.dashboard}#token={session.token}")
    page.wait_for_timeout(500)
    frame = page.frames[1]
    settled(frame)
    for name, text in (("w_told", "claude"), ("w_outcome", "error")):
        value(frame, name, text).click()
        page.wait_for_function("wanted => drills.some((drill) => drill.widgetId === wanted)", arg=name)
    told, drilled = page.evaluate("drills")
    assert told == {"dimension": "model", "value": "claude", "widgetId": "w_told"}
    assert drilled == {"dimension": "status", "value": "error", "widgetId": "w_outcome"}
    rows(frame)
    page.wait_for_timeout(250)
    # The frame is taller than the window, and its page knows of no scrolling: the panel still stands in sight.
    inside = panel(frame).locator(".drill-head").bounding_box()
    viewport = page.viewport_size
    assert inside and viewport and 0 <= inside["y"] and inside["y"] + inside["height"] <= viewport["height"], inside
    shoot(page, "drill-frame", full=False)
    page.keyboard.press("Escape")
    box = card(frame, "w_time").locator(".plot").bounding_box()
    assert box
    card(frame, "w_time").scroll_into_view_if_needed()
    card(frame, "w_time").locator(".plot").click(position={"x": box["width"] / 2, "y": box["height"] * 0.8})
    page.wait_for_function("drills.some((drill) => drill.widgetId === 'w_time')")
    bucket = page.evaluate("drills.find((drill) => drill.widgetId === 'w_time')")
    assert bucket["dimension"] == "time" and bucket["value"] == bucket["range"]["from"] < bucket["range"]["to"]


# --- Permissions ----------------------------------------------------------------------------------------------------------


def test_without_drilling_nothing_opens_and_nothing_looks_as_if(clicks: Stage) -> None:
    page, session, asked = opened(clicks, clicks.session(permissions={"allow_drill_down": False}))
    told = page.evaluate("window.drills = 0; addEventListener('emban-drill', () => drills++); 0")
    for name in ("w_outcome", "w_told", "w_table"):
        assert card(page, name).locator(".list-head, th.dim").first.evaluate("e => e.localName") in ("span", "th"), name
        assert card(page, name).locator("button.list-head, button.link").count() == 0, name
    box = card(page, "w_time").locator(".plot").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8)
    cursors = card(page, "w_time").locator(".plot *").evaluate_all("all => [...new Set(all.map(e => getComputedStyle(e).cursor))]")
    assert "pointer" not in cursors, cursors
    menu(page, "w_calls")
    assert page.get_by_role("menuitem").all_inner_texts() == ["Export CSV"]
    page.keyboard.press("Escape")
    # Filters that the viewer has anyhow still follow a click.
    value(page, "w_endpoints", "/v1/chat").click()
    shows(page, "w_calls", session.value("w_calls", {"period": "30d", "dimensions": {"endpoint": ["/v1/chat"]}}))
    assert page.evaluate("drills") == told == 0
    assert asked.take("drill") == []


def test_locked_and_forbidden_dimensions_are_never_offered(clicks: Stage) -> None:
    bound = clicks.session(permissions={"locked_filters": {"model": ["claude", "gpt-4"]}, "allowed_dimensions": ["status", "model"]})
    page, _, asked = opened(clicks, bound)
    assert card(page, "w_endpoints").locator("button.list-head").count() == 0
    value(page, "w_outcome", "error").click()
    expect(panel(page)).to_be_visible()
    panel(page).locator("table").wait_for()
    assert "Endpoint" not in panel(page).inner_text()
    assert panel(page).get_by_role("radio").count() == 0
    assert all("next_dimension" not in body for body in asked.take("drill"))


def test_a_session_without_export_and_drill_has_no_menu(clicks: Stage) -> None:
    page, _, _ = opened(clicks, clicks.session(permissions={"allow_export": False, "allow_drill_down": False}))
    expect(page.get_by_role("button", name=re.compile("^Menu"))).to_have_count(0)


# --- Export ---------------------------------------------------------------------------------------------------------------


def exported(page: Page, name: str) -> Download:
    menu(page, name)
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export CSV").click()
    return download.value


def test_a_widget_as_csv_in_the_state_that_is_shown(clicks: Stage) -> None:
    page, session, asked = opened(clicks)
    value(page, "w_status", "error").click()
    page.wait_for_timeout(200)
    settled(page)
    file = exported(page, "w_endpoints")
    assert file.suggested_filename == "endpoints.csv"
    assert file.url.startswith("blob:")
    read = list(csv.DictReader(io.StringIO(Path(file.path()).read_text())))
    state = {"period": "30d", "dimensions": {"status": ["error"]}}
    assert {row["endpoint"]: float(row["value"]) for row in read} == groups(session.result("w_endpoints", state))
    assert len(asked.take("export")) == 1
    # The clicked widget's file holds what it shows: all values.
    every = list(csv.DictReader(io.StringIO(Path(exported(page, "w_status").path()).read_text())))
    assert {row["status"] for row in every} == {"error", "success"}


def test_a_failed_export_is_said(clicks: Stage) -> None:
    page, session, _ = opened(clicks)
    clicks.watched[-1][0].expected = re.compile("429")
    page.route("**/v1/embed/export*", lambda route: route.fulfill(
        status=429, content_type="application/json", body='{"code": "too_many_exports", "message": "Wait.", "error": "Wait."}'))
    menu(page, "w_calls")
    page.get_by_role("menuitem", name="Export CSV").click()
    expect(page.locator(".notice")).to_have_text("The export failed.")


def test_the_menu_by_keyboard(clicks: Stage) -> None:
    page, _, _ = opened(clicks)
    button = card(page, "w_calls").get_by_role("button", name="Menu: API calls")
    button.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Show details")).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Export CSV")).to_be_focused()
    shoot(page, "card-menu", full=False)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem")).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
