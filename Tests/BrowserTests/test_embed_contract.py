"""What pages may rely on without any script of ours, what guest tokens permit, and products and servers that fail in the midst of things."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embantest.accessible import violations
from embantest.browser import HostPage, card, settled, shows
from embantest.guests import guest, make_data_app
from embantest.stage import Stage
from embantest.ways import WAYS, Product, Way, until
from embantest.workspace import Session
from playwright.sync_api import Frame, Page, Route, expect

Hosts = Callable[[], HostPage]


# --- A plain iframe -------------------------------------------------------------------------------------------------------


def framed(stage: Stage, host: HostPage, session: Session, attributes: str = "", filters: str = "") -> tuple[Page, Frame]:
    """A page with an iframe and no script of ours, which keeps what it hears."""
    listen = "window.heard = []; addEventListener('message', ({ data, origin }) => { if (data._emban === true) heard.push([data.type, data, origin]); });"
    page, _ = stage.page(host=host)
    page.goto(host.serve(f"<script>{listen}</script><iframe id='one' title='Usage' width='1100' height='900' {attributes} src='{address(stage, session)}{filters}'></iframe>"))
    return page, inside(page)


def address(stage: Stage, session: Session) -> str:
    return f"{stage.origin}/embed/{stage.dashboard}#token={session.token}"


def inside(page: Page) -> Frame:
    handle = page.locator("iframe").element_handle()
    frame = handle.content_frame() if handle else None
    assert frame is not None
    settled(frame, 9)
    return frame


def heard(page: Page, kind: str, count: int = 1) -> list[dict[str, Any]]:
    page.wait_for_function("([kind, count]) => heard.filter(([one]) => one === kind).length >= count", arg=[kind, count])
    return page.evaluate("kind => heard.filter(([one]) => one === kind).map(([, data]) => data)", kind)


def test_messages_alone_drive_a_plain_iframe(stage: Stage, host_page: Hosts) -> None:
    """The contract's envelope, commands and events, as somebody writes their own helper."""
    first, second = stage.session(), stage.session()
    page, frame = framed(stage, host_page(), first)
    assert heard(page, "ready")[0]["dashboardId"] == stage.dashboard
    assert heard(page, "resize")[0]["height"] > 600
    assert page.evaluate("heard.every(([, , origin]) => origin === %r)" % stage.origin)

    def send(message: str) -> None:
        page.evaluate("([message, to]) => document.querySelector('iframe').contentWindow.postMessage({ _emban: true, ...message }, to)",
                      [page.evaluate(f"({message})"), stage.origin])

    send("{type: 'setFilters', filters: {period: '7d', dimensions: {model: ['gpt-4']}, numericRanges: {latency_ms: {min: 0, max: 100000}}}}")
    shows(frame, "w_calls", first.value("w_calls", {"period": "7d", "dimensions": {"model": ["gpt-4"]}, "numericRanges": {"latency_ms": {"min": 0, "max": 100_000}}}))
    send("{type: 'setFilters', filters: {dimensions: null, numericRanges: null}}")
    shows(frame, "w_calls", first.value("w_calls", {"period": "7d"}))
    send("{type: 'setTheme', theme: {mode: 'dark', primaryColor: '#0f9d58', cardBackground: '#101418'}}")
    expect(frame.locator("emban-dashboard .root")).to_have_attribute("data-mode", "dark")
    expect(card(frame, "w_calls")).to_have_css("background-color", "rgb(16, 20, 24)")
    # Another session in place, and the first one is withdrawn: the viewer's state stays.
    with page.expect_response(lambda answer: "/v1/embed/query" in answer.url and second.token in (answer.request.headers.get("authorization") or "")):
        send("{type: 'setToken', token: %r}" % second.token)
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    with page.expect_response(lambda answer: "/v1/embed/query" in answer.url and second.token in (answer.request.headers.get("authorization") or "")):
        send("{type: 'reload'}")
    shows(frame, "w_calls", second.value("w_calls", {"period": "7d"}))
    frame.get_by_role("radio", name="90 days").click()
    assert heard(page, "filter")[0]["filters"]["period"] == "90d" and heard(page, "period-change")[0]["period"] == "90d"
    card(frame, "w_list").get_by_role("button", name="/v1/chat").click()
    assert {"dimension": "endpoint", "value": "/v1/chat", "widgetId": "w_list"}.items() <= heard(page, "drill")[0].items()
    assert page.evaluate("heard.filter(([kind]) => kind === 'error').length") == 0


def test_another_fragment_renews_a_plain_iframe(stage: Stage, host_page: Hosts) -> None:
    first, second, other = stage.session(), stage.session(), stage.session("globex")
    page, frame = framed(stage, host_page(), first, filters="&filters=%7B%22period%22%3A%2290d%22%7D")
    shows(frame, "w_calls", first.value("w_calls", {"period": "90d"}))
    frame.get_by_role("radio", name="7 days").click()
    heard(page, "settled")
    frame.evaluate("window.isStillThere = true")
    page.evaluate("url => { document.querySelector('iframe').src = url; }", address(stage, second))
    with page.expect_request(lambda asked: "/v1/embed/" in asked.url and second.token in (asked.headers.get("authorization") or "")):
        frame.get_by_role("radio", name="24 hours").click()
    shows(frame, "w_calls", second.value("w_calls", {"period": "24h"}))
    assert frame.evaluate("[isStillThere, location.hash]") == [True, ""], "the same page, and no token in its address"
    # The next customer meets what the page had set, and nothing that the former one has.
    page.evaluate("url => { document.querySelector('iframe').src = url; }", address(stage, other))
    shows(frame, "w_calls", other.value("w_calls", {"period": "90d"}))


@pytest.mark.parametrize("sandbox", ["allow-scripts", "allow-scripts allow-same-origin"])
def test_a_sandbox_of_scripts_is_enough(stage: Stage, host_page: Hosts, sandbox: str) -> None:
    session = stage.session()
    page, frame = framed(stage, host_page(), session, f'sandbox="{sandbox}"')
    shows(frame, "w_calls", session.value("w_calls", {"period": "30d"}))
    expect(card(frame, "w_time").locator("svg").first).to_be_visible()
    frame.get_by_role("radio", name="7 days").click()
    shows(frame, "w_calls", session.value("w_calls", {"period": "7d"}))
    assert heard(page, "filter")[0]["filters"]["period"] == "7d"


# --- Guest tokens on <dbn-dashboard> ---------------------------------------------------------------------------------------


def dbn(stage: Stage, host: HostPage, session: Session) -> Page:
    page, _ = stage.page(host=host)
    page.goto(host.serve(f'<dbn-dashboard token="{session.token}" dashboard-id="{stage.dashboard}"></dbn-dashboard>',
                         f'<script type="module" src="{stage.origin}/web-components/dbn-dashboard.js"></script>'))
    settled(page, 9)
    return page


@pytest.fixture
def app(stage: Stage, request: pytest.FixtureRequest) -> str:
    name = f"contract-{abs(hash(request.node.nodeid)) % 10**9}"
    make_data_app(stage.organization, name, [stage.dashboard])
    return name


@pytest.mark.parametrize("granted", [None, "isEnableDownloadMetrics", "isEnableUnderlyingData", "isEnableCustomizeLayout", "isEnableManageMetrics"])
def test_a_guest_token_gives_what_it_grants_and_nothing_else(stage: Stage, host_page: Hosts, app: str, granted: str | None) -> None:
    names = ["isEnableDownloadMetrics", "isEnableUnderlyingData", "isEnableCustomizeLayout", "isEnableManageMetrics"]
    session = guest(stage.organization, "acme", app, permissions={name: name == granted for name in names}, params={"userId": f"user-{granted}"})
    page = dbn(stage, host_page(), session)
    expect(page.get_by_role("button", name="Edit layout")).to_have_count(1 if granted == "isEnableCustomizeLayout" else 0)
    expect(page.get_by_role("button", name="Add widget")).to_have_count(1 if granted == "isEnableManageMetrics" else 0)
    menu = card(page, "w_calls").get_by_role("button", name="Menu: API calls")
    menu.click()
    export = page.get_by_role("menuitem", name="Export CSV")
    if granted == "isEnableDownloadMetrics":
        with page.expect_download() as download:
            export.click()
        assert "1" in Path(download.value.path()).read_text()
        menu.click()
    else:
        expect(export).to_have_count(0)
    page.get_by_role("menuitem", name="Show details").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    events = page.get_by_role("dialog").get_by_role("tab", name="Events")
    if granted == "isEnableUnderlyingData":
        events.click()
        expect(page.get_by_role("dialog").get_by_role("columnheader", name="User")).to_be_visible()
    else:
        until(page, lambda: page.get_by_role("dialog").locator("table, .list-label").count() > 0, "the panel shows levels")
        expect(events).to_have_count(0)
    assert violations(page) == []


def test_a_guests_layout_is_the_users_own(stage: Stage, host_page: Hosts, app: str) -> None:
    granted = {"permissions": {"isEnableCustomizeLayout": True}}

    def opened(tenant: str, user: str) -> Page:
        return dbn(stage, host_page(), guest(stage.organization, tenant, app, **granted, params={"userId": user}))

    def column(page: Page) -> str:
        return card(page, "w_calls").evaluate("card => card.style.gridColumn")

    page = opened("acme", "arranger")
    assert column(page) == "1 / span 4"
    page.get_by_role("button", name="Edit layout").click()
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_role("button", name="Save layout").click()
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()
    for tenant, user, wanted in (("acme", "arranger", "1 / span 3"), ("acme", "another", "1 / span 4"), ("globex", "arranger", "1 / span 4")):
        assert column(opened(tenant, user)) == wanted, (tenant, user)


# --- What fails on the way -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [way for way in WAYS if way.scene], ids=str)
def test_a_product_whose_functions_throw_keeps_its_session_all_the_same(stage: Stage, product: Product, way: Way) -> None:
    first, second = stage.session(), stage.session()
    opened = product.open(way, {"one": first}, fetches=True, expected="401|a fault of the product's own")
    opened.give(second)
    opened.page.evaluate("window.faulty = true")
    opened.choose()
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    opened.page.wait_for_function("fetched > 0")
    until(opened.page, lambda: opened.place().locator("[data-widget]").count() == way.widgets, "it is shown again")
    opened.shows_choice(second)


def arranger(stage: Stage, user: str) -> Page:
    permissions = {"allow_customize_layout": True, "allow_manage_widgets": True}
    page, watch = stage.page()
    page.goto(stage.session(permissions=permissions, context={"userId": user}).embed_url)
    settled(page, 9)
    return page


def hold(page: Page, pattern: str, method: str) -> list[Route]:
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route) if route.request.method == method else route.continue_())
    return held


def test_a_layout_that_cannot_be_saved_is_tried_again_where_the_viewer_is(stage: Stage) -> None:
    page = arranger(stage, "unlucky")
    stage.watched[-1][0].expected = re.compile("ERR_FAILED|Failed to load resource|failed:")
    held = hold(page, "**/v1/embed/layout*", "PUT")
    page.get_by_role("button", name="Edit layout").click()
    page.keyboard.press("Shift+ArrowLeft")
    save = page.get_by_role("button", name="Save layout")
    save.focus()
    page.keyboard.press("Enter")
    until(page, lambda: held, "it is being saved")
    # Nothing can be changed meanwhile, nor be given up, and the focus stays.
    expect(save).to_have_attribute("aria-disabled", "true")
    expect(save).to_be_focused()
    expect(card(page, "w_calls").locator(".edit-cover")).to_have_attribute("inert", "")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    assert len(held) == 1 and violations(page) == []
    # The client asks once more by itself when the network breaks off.
    held[0].abort()
    until(page, lambda: len(held) == 2, "once more")
    held[1].abort()
    expect(page.get_by_role("alert")).to_have_text("The layout could not be saved. Try again.")
    expect(save).to_be_focused()
    expect(save).not_to_have_attribute("aria-disabled", "true")
    page.unroute("**/v1/embed/layout*")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()
    expect(page.locator("emban-dashboard .root > .notice")).to_have_text("")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Save layout")).to_be_visible()
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()


def test_a_dialog_that_could_not_be_filled_is_tried_again(stage: Stage) -> None:
    page = arranger(stage, "patient")
    stage.watched[-1][0].expected = re.compile("ERR_FAILED|Failed to load resource|failed:")
    page.route("**/v1/embed/vocabulary*", lambda route: route.abort())
    page.get_by_role("button", name="Add widget").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text("What can be shown could not be loaded. Try again.")
    assert violations(page) == []
    page.unroute("**/v1/embed/vocabulary*")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_label("Event")).to_be_focused()
    expect(dialog.locator(".problem")).to_have_text("")
    held = hold(page, "**/v1/embed/own-widgets", "POST")
    add = dialog.get_by_role("button", name="Add to dashboard")
    add.focus()
    page.keyboard.press("Enter")
    until(page, lambda: held, "it is being added")
    expect(add).to_be_focused()
    expect(dialog.locator(".own-fields")).to_have_attribute("inert", "")
    held[0].abort()
    expect(dialog.get_by_role("alert")).to_have_text("The widget could not be added. Try again.")
    expect(add).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Add widget")).to_be_focused()
