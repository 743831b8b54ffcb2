"""The page /embed/{id} in Chromium: numbers, filters, keyboard, small screens, darkness, and what it does when a session ends."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from embantest.browser import card, kpi_number, number, record, settled, shoot, table_numbers
from embantest.stage import EVIL, FILTERS, WIDGETS, Stage
from embantest.workspace import Session, groups, kpi
from playwright.sync_api import Locator, Page, expect


def open_page(stage: Stage, session: Session, **options: Any) -> Page:
    page, _ = stage.page(**options)
    page.goto(session.embed_url)
    settled(page)
    return page


def period(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def check_numbers(page: Page, session: Session, state: dict[str, Any], clicked: str = "") -> None:
    """What stands on the page is what the API says for the same state; the widget whose value was clicked is not filtered by it."""
    settled(page)
    results = session.results(state)
    if clicked:
        results[clicked] = session.result(clicked, {"period": state["period"]})
    for widget in ("w_calls", "w_tokens"):
        assert kpi_number(page, widget) == results[widget]["rows"][0]["value"], widget
    assert kpi_number(page, "w_latency") == pytest.approx(results["w_latency"]["rows"][0]["value"], abs=0.5)
    assert table_numbers(page, "w_table") == groups(results["w_table"])
    listed = card(page, "w_list").get_by_role("listitem").evaluate_all(
        "rows => rows.map(r => [r.querySelector('.list-label').textContent, r.querySelector('.list-value').textContent])")
    assert {name: number(text) for name, text in listed} == groups(results["w_list"])
    chart = card(page, "w_models").get_by_role("img").first.get_attribute("aria-label") or ""
    for name, value in groups(results["w_models"]).items():
        assert re.search(rf"{re.escape(name)} {value:,}\b", chart), chart
    values = [row["value"] for row in results["w_time"]["rows"]]
    line = card(page, "w_time").get_by_role("img").first.get_attribute("aria-label") or ""
    assert f"with {len(values)} points" in line and f"highest {max(values):,}" in line, line


def test_numbers_equal_the_api_and_follow_the_period(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    expect(page.get_by_role("heading", name="API usage")).to_be_visible()
    check_numbers(page, session, {"period": "30d"})
    shoot(page, "embed-30d")
    seen = [kpi_number(page, "w_calls")]
    for name, value in (("7 days", "7d"), ("24 hours", "24h"), ("90 days", "90d")):
        period(page, name).click()
        expect(period(page, name)).to_be_checked()
        check_numbers(page, session, {"period": value})
        seen.append(kpi_number(page, "w_calls"))
    assert len(set(seen)) == 4
    shoot(page, "embed-90d")


def test_charts_can_be_read_as_tables(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    card(page, "w_models").get_by_role("button", name="View as table").click()
    rows = card(page, "w_models").locator("tbody tr").evaluate_all("rows => rows.map(r => [r.cells[0].innerText, r.cells[1].innerText])")
    assert {name: number(value) for name, value in rows} == groups(session.result("w_models", {"period": "30d"}))
    card(page, "w_time").get_by_role("button", name="View as table").click()
    values = [row["value"] for row in session.result("w_time", {"period": "30d"})["rows"]]
    shown = card(page, "w_time").locator("tbody tr").evaluate_all("rows => rows.map(r => r.cells[1].innerText)")
    assert [number(value) for value in shown] in (values, values[::-1])
    shoot(page, "embed-as-tables")


def test_the_page_is_light_and_asks_nobody_else(stage: Stage) -> None:
    session = stage.session()
    page, watch = stage.page()
    transferred: list[int] = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on("Network.loadingFinished", lambda happened: transferred.append(int(happened["encodedDataLength"])))
    page.goto(session.embed_url)
    settled(page)
    last_chart = page.evaluate("performance.now()")
    figures = {
        "requests": len(watch.requests), "bytes_over_the_wire": sum(transferred), "milliseconds_to_last_card": round(last_chart),
        "urls": [re.sub(r"token=.*", "token=…", line) for line in watch.requests],
    }
    record("embed-page", figures)
    print(figures)
    assert figures["requests"] <= 8, figures
    assert figures["bytes_over_the_wire"] <= 450_000, figures
    assert not watch.foreign()


@pytest.mark.parametrize("separator", ["?", "#"])
def test_the_token_leaves_the_address_bar(stage: Stage, separator: str) -> None:
    session = stage.session()
    page, _ = stage.page()
    page.goto(session.embed_url.replace("?", separator))
    settled(page)
    assert page.url == f"{stage.origin}/embed/{stage.dashboard}"
    assert session.token not in page.evaluate("JSON.stringify([history.state, document.cookie, {...localStorage}, {...sessionStorage}])")
    assert page.evaluate("document.referrer") == ""


def test_filters_narrow_and_can_be_taken_back(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    whole = kpi_number(page, "w_calls")
    page.get_by_role("button", name="Model", exact=True).click()
    page.get_by_role("option", name=re.compile(r"^claude")).click()
    page.get_by_role("option", name=re.compile(r"^gpt-4o")).click()
    page.keyboard.press("Escape")
    check_numbers(page, session, {"period": "30d", "dimensions": {"model": ["claude", "gpt-4o"]}})
    page.get_by_role("button", name="Latency", exact=True).click()
    page.get_by_label("Min").fill("100")
    page.get_by_label("Max").fill("250")
    page.get_by_role("button", name="Apply").click()
    state = {"period": "30d", "dimensions": {"model": ["claude", "gpt-4o"]}, "numericRanges": {"latency_ms": {"min": 100, "max": 250}}}
    check_numbers(page, session, state)
    page.get_by_role("group", name="Filters").get_by_role("button", name="Endpoint", exact=True).click()
    page.get_by_role("option", name="/v1/chat").click()
    state["dimensions"] = {"model": ["claude", "gpt-4o"], "endpoint": ["/v1/chat"]}
    check_numbers(page, session, state)
    assert kpi_number(page, "w_calls") < whole
    shoot(page, "embed-filtered")
    page.get_by_role("button", name=re.compile("reset|clear all", re.I)).click()
    check_numbers(page, session, {"period": "30d"})
    assert kpi_number(page, "w_calls") == whole


def test_dates_win_over_the_period(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    start, end = date.today() - timedelta(days=40), date.today() - timedelta(days=12)
    page.get_by_role("button", name="Dates").click()
    page.get_by_role("textbox", name="From").fill(start.isoformat())
    page.get_by_role("textbox", name="To", exact=True).fill(end.isoformat())
    shoot(page, "embed-dates-open")
    page.get_by_role("button", name="Apply").click()
    check_numbers(page, session, {"dateRanges": {"from": start.isoformat(), "to": end.isoformat()}})
    # Backwards: a sentence, nothing changes.
    before = kpi_number(page, "w_calls")
    page.get_by_role("button", name=re.compile("^Dates")).click()
    page.get_by_role("textbox", name="From").fill(end.isoformat())
    page.get_by_role("textbox", name="To", exact=True).fill(start.isoformat())
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert").filter(has_text=re.compile(r"\w"))).to_be_visible()
    assert kpi_number(page, "w_calls") == before


def test_a_click_on_a_value_filters_by_it(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    card(page, "w_list").get_by_role("button", name="/v1/chat").click()
    check_numbers(page, session, {"period": "30d", "dimensions": {"endpoint": ["/v1/chat"]}}, clicked="w_list")


def test_tables_can_be_sorted(stage: Stage) -> None:
    page = open_page(stage, stage.session())
    table = card(page, "w_table")
    by_count = list(table_numbers(page, "w_table").values())
    assert by_count == sorted(by_count, reverse=True)
    table.get_by_role("columnheader", name="Endpoint").get_by_role("button").click()
    names = list(table_numbers(page, "w_table"))
    assert names == sorted(names)
    expect(table.get_by_role("columnheader", name="Endpoint")).to_have_attribute("aria-sort", "ascending")
    table.get_by_role("columnheader", name="Endpoint").get_by_role("button").click()
    assert list(table_numbers(page, "w_table")) == sorted(names, reverse=True)


def focused(page: Page) -> str:
    return page.evaluate("""() => {
      let node = document.activeElement;
      while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
      const name = node?.getAttribute("aria-label") ?? node?.innerText ?? node?.tagName;
      return node ? `${name.trim().slice(0, 60)}|${node.getAttribute("role") ?? node.tagName}` : "";
    }""")


def test_the_keyboard_alone_is_enough(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session)
    seen: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if seen[-1] == "30 days|radio":
            break
    assert seen[-1] == "30 days|radio", seen
    page.keyboard.press("ArrowLeft")
    expect(period(page, "7 days")).to_be_checked()
    check_numbers(page, session, {"period": "7d"})
    assert focused(page) == "7 days|radio", "the focus stays where the choice was made"
    outline = period(page, "7 days").evaluate(
        "e => { const s = getComputedStyle(e); return s.outlineStyle + s.outlineWidth + s.boxShadow; }")
    assert outline != "none0pxnone", "the focus can be seen"
    shoot(page, "embed-keyboard-focus", full=False)
    page.keyboard.press("Shift+Tab")
    for _ in range(6):
        if focused(page).startswith("Model"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("option").first).to_be_hidden()
    assert focused(page).startswith("Model"), "closing gives the focus back"
    settled(page)
    assert kpi_number(page, "w_calls") < session.value("w_calls", {"period": "7d"})
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page) == "Endpoint|BUTTON" and page.evaluate(
                "document.querySelector('emban-dashboard').shadowRoot.activeElement.closest('th') !== null"):
            break
    page.keyboard.press("Enter")
    names = list(table_numbers(page, "w_table"))
    assert names == sorted(names)


def test_names_and_roles_are_there_for_screen_readers(stage: Stage) -> None:
    page = open_page(stage, stage.session())
    unnamed = page.locator("emban-dashboard").evaluate("""host => {
      const nameless = [];
      for (const e of host.shadowRoot.querySelectorAll('button, a, input, select, [role=img], [role=button], [tabindex]')) {
        const name = e.getAttribute('aria-label') || e.innerText?.trim() || e.title || e.labels?.[0]?.innerText || '';
        if (!name && !e.closest('[hidden]') && e.getClientRects().length) nameless.push(e.outerHTML.slice(0, 120));
      }
      return nameless;
    }""")
    assert unnamed == []
    for widget in WIDGETS:
        expect(page.get_by_role("region", name=widget["title"]).first).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() != ""


@pytest.mark.parametrize("width", [360, 768])
def test_small_screens_need_no_sideways_scrolling(stage: Stage, width: int) -> None:
    session = stage.session()
    page = open_page(stage, session, viewport={"width": width, "height": 780}, has_touch=True)
    check_numbers(page, session, {"period": "30d"})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.locator("[data-widget]").evaluate_all(
        "(cards, width) => cards.filter(c => c.getBoundingClientRect().right > width || c.getBoundingClientRect().left < 0).length", width)
    assert outside == 0
    overlapping = page.locator("[data-widget]").evaluate_all("""cards => {
      const boxes = cards.map(c => [c.dataset.widget, c.getBoundingClientRect()]);
      return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) =>
        p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1).map(([b]) => a + '/' + b));
    }""")
    assert overlapping == []
    clipped = page.locator(".kpi-value").evaluate_all(
        "values => values.filter(v => v.scrollWidth > v.clientWidth + 1).map(v => v.innerText)")
    assert clipped == []
    shoot(page, f"embed-{width}px")
    if width == 360:
        small = page.locator("emban-dashboard").evaluate("""host =>
          [...host.shadowRoot.querySelectorAll('.head button, .head select')].filter(e => e.getClientRects().length)
            .filter(e => e.getBoundingClientRect().height < 24).map(e => e.innerText)""")
        assert small == [], "touch targets are at least 24 px high"
        page.get_by_label("Period").locator("visible=true").first.select_option("7d")
        check_numbers(page, session, {"period": "7d"})


def luminance(page: Page) -> float:
    """Of the page's own ground, 0 black … 1 white."""
    red, green, blue = page.evaluate("""() => {
      const root = document.querySelector('emban-dashboard').shadowRoot.querySelector('.root');
      return getComputedStyle(root).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number);
    }""")
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_darkness_follows_the_system(stage: Stage) -> None:
    session = stage.session()
    page = open_page(stage, session, color_scheme="dark")
    check_numbers(page, session, {"period": "30d"})
    if luminance(page) > 0.3:
        organization = stage.organization
        dark = organization.create_dashboard(WIDGETS, filters=FILTERS, name="Dark", theme={"mode": "dark"}, publish=True)["id"]
        page.goto(organization.session("acme", dark).embed_url)
        settled(page)
    assert luminance(page) < 0.3
    shoot(page, "embed-dark")


def test_a_published_theme_is_shown(stage: Stage) -> None:
    organization = stage.organization
    theme = {"primaryColor": "#0f9d58", "backgroundColor": "#fff7e6", "palette": ["#0f9d58", "#f4b400", "#db4437"], "mode": "light"}
    dashboard = organization.create_dashboard(WIDGETS, filters=FILTERS, name="Green", theme=theme, publish=True)["id"]
    page = open_page(stage, organization.session("acme", dashboard))
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 247, 230)"
    shoot(page, "embed-theme")


def test_hidden_widgets_and_locked_filters_are_absent(stage: Stage) -> None:
    permissions = {
        "hidden_widgets": ["w_tokens", "w_table"], "locked_filters": {"model": "claude"}, "allowed_periods": ["24h", "7d"],
    }
    session = stage.session(permissions=permissions)
    page = open_page(stage, session)
    shown = page.locator("[data-widget]").evaluate_all("cards => cards.map(c => c.dataset.widget)")
    assert shown == [w["id"] for w in WIDGETS if w["id"] not in ("w_tokens", "w_table")]
    text = page.locator("emban-dashboard .root").inner_text()
    assert "Tokens by model" in text and "Endpoints" not in text
    assert page.get_by_role("radio").evaluate_all("radios => radios.map(r => r.dataset.period)") == ["24h", "7d"]
    expect(page.get_by_role("button", name="Model", exact=True)).to_have_count(0)
    chosen = page.get_by_role("radio", checked=True).get_attribute("data-period")
    assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": chosen})
    shoot(page, "embed-permissions")


def test_a_customer_without_events_sees_a_sentence_not_an_error(stage: Stage) -> None:
    page = open_page(stage, stage.session("nobody"))
    expect(page.get_by_role("alert")).to_have_count(0)
    assert kpi_number(page, "w_calls") == 0
    expect(card(page, "w_table")).to_contain_text(re.compile("no data|nothing", re.I))
    shoot(page, "embed-empty")


def test_a_revoked_session_ends_in_a_sentence(stage: Stage) -> None:
    session = stage.session()
    page, watch = stage.page()
    watch.expected = re.compile("401|status of 401")
    page.goto(session.embed_url)
    settled(page)
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    alert = page.get_by_role("alert").first
    expect(alert).to_be_visible()
    expect(alert).to_contain_text(re.compile("session", re.I))
    assert "token" not in alert.inner_text().lower() and "401" not in alert.inner_text()
    shoot(page, "embed-revoked", full=False)


@pytest.mark.parametrize("end", ["?token=eyJhbGciOiJub25lIn0.e30.", "", "?token="])
def test_a_wrong_or_missing_session_is_a_sentence(stage: Stage, end: str) -> None:
    page, watch = stage.page()
    watch.expected = re.compile("401")
    page.goto(f"{stage.origin}/embed/{stage.dashboard}{end}")
    expect(page.get_by_role("alert").first).to_be_visible()
    assert re.search(r"[A-Z][^.]+\.", page.get_by_role("alert").first.inner_text())
    shoot(page, "embed-no-session", full=False)


def test_an_unpublished_dashboard_is_a_sentence(stage: Stage) -> None:
    organization = stage.organization
    dashboard = organization.create_dashboard([kpi("w")], publish=True)["id"]
    session = organization.session("acme", dashboard)
    assert organization.admin.post(f"/v1/dashboards/{dashboard}/unpublish").status == 204
    page, watch = stage.page()
    watch.expected = re.compile("404")
    page.goto(session.embed_url)
    expect(page.get_by_role("alert").first).to_be_visible()


def test_a_session_of_another_dashboard_is_a_sentence(stage: Stage) -> None:
    session = stage.session()
    page, watch = stage.page()
    watch.expected = re.compile("404")
    page.goto(session.embed_url.replace(stage.dashboard, "another-dashboard"))
    expect(page.get_by_role("alert").first).to_contain_text("This session belongs to another dashboard.")
    assert page.locator("[data-widget]").count() == 0
    assert not [line for line in watch.requests if "/v1/embed/query" in line]


def test_a_widget_without_data_is_shown_beside_the_others(stage: Stage) -> None:
    text = {"id": "w_text", "title": "Note", "kind": "text", "position": {"x": 4, "y": 0, "w": 4, "h": 2},
            "options": {"markdown": "Counted **once**."}}
    dashboard = stage.organization.create_dashboard([*WIDGETS[:1], text], publish=True)["id"]
    page, _ = stage.page()
    page.goto(stage.organization.session("acme", dashboard).embed_url)
    expect(card(page, "w_calls")).to_have_attribute("data-status", "ok")
    expect(card(page, "w_text")).to_have_attribute("data-status", "ok")
    expect(card(page, "w_text").locator("strong")).to_have_text("once")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.get_by_role("link").count() == 0 and page.get_by_text("Powered by Emban").is_visible()


def test_dates_that_the_server_refuses_are_taken_back(stage: Stage) -> None:
    session = stage.session(permissions={"allowed_periods": ["7d", "30d"]})
    page, watch = stage.page()
    watch.expected = re.compile("403")
    page.goto(session.embed_url)
    settled(page)
    whole = kpi_number(page, "w_calls")
    page.get_by_role("button", name="Dates").click()
    page.get_by_role("textbox", name="From").fill((date.today() - timedelta(days=100)).isoformat())
    page.get_by_role("textbox", name="To", exact=True).fill(date.today().isoformat())
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert").filter(has_text="not available to you")).to_be_visible()
    settled(page)
    assert kpi_number(page, "w_calls") == whole
    expect(period(page, "30 days")).to_be_checked()
    period(page, "7 days").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    check_numbers(page, session, {"period": "7d"})


def test_one_failing_widget_does_not_take_the_others_along(stage: Stage) -> None:
    session = stage.session()
    page, watch = stage.page()
    watch.expected = re.compile("503|500|Failed to load resource")
    broken = {"times": 0}

    def break_it(route: Any) -> None:
        if route.request.post_data and broken["times"] == 0:
            broken["times"] += 1
            route.fulfill(status=503, content_type="application/json", headers={"Retry-After": "1"},
                          body='{"error":"x","code":"event_store_unavailable","message":"x","request_id":"req_0","details":[]}')
        else:
            route.continue_()

    def without_answers(route: Any) -> None:
        whole = route.fetch(timeout=60_000)
        route.fulfill(response=whole, body=whole.text().split("\n")[0] + "\n")

    page.route("**/v1/embed/view**", without_answers)
    page.route("**/v1/embed/query", break_it)
    page.goto(session.embed_url)
    expect(page.get_by_role("heading", name="API usage")).to_be_visible()
    page.wait_for_function("""() => {
      const cards = [...document.querySelector('emban-dashboard').shadowRoot.querySelectorAll('[data-widget]')];
      return cards.length && cards.every(c => c.dataset.status === 'error' || c.dataset.status === 'ok');
    }""")
    retry = page.get_by_role("button", name=re.compile("try again|retry", re.I))
    if retry.count():
        shoot(page, "embed-failed", full=False)
        for _ in range(retry.count()):
            retry.first.click()
            page.wait_for_timeout(300)
    check_numbers(page, session, {"period": "30d"})
    assert broken["times"] == 1, "what the view did not answer was asked for"


def test_values_are_text_never_markup(stage: Stage) -> None:
    organization = stage.organization
    widgets = [{**w, "title": EVIL, "description": EVIL} for w in WIDGETS]
    filters = [{**f, "label": EVIL} if f["type"] != "period" else f for f in FILTERS]
    dashboard = organization.create_dashboard(widgets, filters=filters, name=EVIL, description=EVIL, publish=True)["id"]
    page = open_page(stage, organization.session("evil", dashboard))
    card(page, "w_models").get_by_role("button", name="View as table").click()
    card(page, "w_time").hover()
    page.mouse.move(300, 400)
    page.locator("emban-dashboard .head button").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert EVIL in card(page, "w_table").inner_text()


def test_other_zones_and_languages(stage: Stage) -> None:
    session = stage.session(timezone="Asia/Kolkata", locale="de-DE")
    page = open_page(stage, session)
    value = session.value("w_calls", {"period": "30d"})
    assert card(page, "w_calls").locator(".kpi-value").inner_text() == f"{value:,}".replace(",", ".")
    assert session.result("w_time")["meta"]["timezone"] == "Asia/Kolkata"
    shoot(page, "embed-de")
