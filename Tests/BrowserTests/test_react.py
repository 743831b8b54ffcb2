"""@emban/embed-helper/react and @emban/react in a React product on an origin of its own, in StrictMode, which mounts everything twice."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embantest.browser import HostPage, card, kpi_number, settled, shoot, shows
from embantest.node import Project
from embantest.process import ROOT
from embantest.stage import Stage
from embantest.steady import PATIENCE
from embantest.workspace import event
from playwright.sync_api import Frame, Page, Route, expect

Hosts = Callable[[], HostPage]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    project = Project(tmp_path_factory.mktemp("react"), ("react", "react-dom", "scheduler"))
    project.write("app.jsx", (ROOT / "Tests/support/embantest/react_app.jsx").read_text())
    return project.bundle("app.jsx").replace("</script", "<\\/script")


@pytest.fixture
def show(stage: Stage, host_page: Hosts, script: str) -> Callable[..., Page]:
    """Opens a page of the product that shows a scene."""
    def open_scene(scene: list[dict[str, Any]], prepare: Callable[[Page], None] | None = None, **options: Any) -> Page:
        host = host_page()
        page, watch = stage.page(host=host, **options)
        page.on("pageerror", lambda error: watch.complaints.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(host.serve(f'<div id="root"></div><script>window.scene = {json.dumps(scene)}</script><script>{script}</script>'))
        return page

    return open_scene


def events(page: Page, name: str, event: str) -> list[list[Any]]:
    """Version of the render and payload of each."""
    return page.evaluate("([name, event]) => log.filter(([one, on]) => one === name && on === event).map(([, , version, detail]) => [version, detail])",
                         [name, event])


def wait_for(page: Page, name: str, event: str, count: int = 1) -> list[list[Any]]:
    page.wait_for_function(
        "([name, event, count]) => log.filter(([one, on]) => one === name && on === event).length >= count", arg=[name, event, count])
    return events(page, name, event)


def patiently(page: Page, is_so: Callable[[], object]) -> None:
    """Waits for something outside of the page, while functions that the page calls are still answered."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def change(page: Page, name: str, **props: Any) -> None:
    page.evaluate("([name, props]) => window.set(name, props)", [name, props])


def frame_of(page: Page, name: str) -> Frame:
    handle = page.locator(f"#{name} iframe").element_handle()
    content = handle.content_frame() if handle else None
    assert content is not None
    return content


def native(stage: Stage, name: str = "one", tenant: str = "acme", **more: Any) -> dict[str, Any]:
    return {"kind": "native", "name": name, "host": stage.origin, "token": stage.session(tenant).token, "dashboardId": stage.dashboard, **more}


# --- In an iframe ---------------------------------------------------------------------------------------------------------


def test_the_frame_is_there_once_and_tells_what_happens(stage: Stage, show: Callable[..., Page]) -> None:
    session = stage.session()
    page = show([{"kind": "frame", "name": "one", "embedUrl": session.embed_url, "className": "analytics", "title": "Usage",
                  "containerStyle": {"minHeight": 600, "borderRadius": 8}}])
    settled(frame_of(page, "one"))
    assert len(wait_for(page, "one", "onReady")) == 1 and page.locator("iframe").count() == 1
    pages = [line for line in stage.watched[-1][0].requests if "/embed/dash_" in line]
    assert len(pages) <= 2, "StrictMode mounts twice, and nothing loads a frame more often"
    assert kpi_number(frame_of(page, "one"), "w_calls") == session.value("w_calls", {"period": "30d"})
    assert page.locator("#one iframe").get_attribute("title") == "Usage"
    page.wait_for_function("document.querySelector('#one iframe').getBoundingClientRect().height > 600")
    assert wait_for(page, "one", "onResize")
    assert page.locator("#one .analytics").evaluate("e => [getComputedStyle(e).borderRadius, getComputedStyle(e).overflow]") == ["8px", "hidden"]
    frame_of(page, "one").get_by_role("radio", name="7 days").click()
    assert wait_for(page, "one", "onFilter")[0][1]["filters"]["period"] == "7d"
    assert wait_for(page, "one", "onPeriodChange")[0][1] == {"period": "7d"}
    card(frame_of(page, "one"), "w_list").get_by_role("button", name="/v1/chat").click()
    assert wait_for(page, "one", "onDrill")[0][1]["value"] == "/v1/chat"
    assert events(page, "one", "onError") == []


def test_renders_with_new_functions_keep_the_frame_and_call_the_newest(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([{"kind": "frame", "name": "one", "embedUrl": stage.session().embed_url}])
    wait_for(page, "one", "onReady")
    settled(frame_of(page, "one"))
    page.evaluate("window.first = document.querySelector('#one iframe')")
    change(page, "one", version=2)
    change(page, "one", version=3, title="Renamed")
    expect(page.locator("#one iframe")).to_have_attribute("title", "Renamed")
    frame_of(page, "one").get_by_role("radio", name="7 days").click()
    assert {version for version, _ in wait_for(page, "one", "onFilter")} == {3}
    assert page.evaluate("window.first === document.querySelector('#one iframe')") and page.locator("iframe").count() == 1


def test_theme_filters_and_session_of_a_frame_change_at_run_time(stage: Stage, show: Callable[..., Page]) -> None:
    acme, again = stage.session(), stage.session()
    page = show([{"kind": "frame", "name": "one", "embedUrl": acme.embed_url, "filters": {"period": "90d"}, "theme": {"mode": "light"}}])
    wait_for(page, "one", "onReady")
    frame = frame_of(page, "one")
    settled(frame)
    expect(frame.get_by_role("radio", name="90 days")).to_be_checked()
    root = frame.locator("emban-dashboard .root")
    expect(root).to_have_attribute("data-mode", "light")
    page.evaluate("window.first = document.querySelector('#one iframe')")
    change(page, "one", theme={"mode": "dark", "primaryColor": "#0f9d58"})
    expect(root).to_have_attribute("data-mode", "dark")
    change(page, "one", filters={"period": "24h"})
    expect(frame.get_by_role("radio", name="24 hours")).to_be_checked()
    # A viewer's choice stays when the session is swapped, and by the way of the ref things change, too.
    frame.get_by_role("radio", name="7 days").click()
    settled(frame)
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{acme.session_id}").status == 204
    change(page, "one", embedUrl=again.embed_url)
    expect(frame.get_by_role("radio", name="7 days")).to_be_checked()
    settled(frame)
    page.evaluate("controls.one.current.setFilters({ dimensions: { model: ['gpt-4'] } })")
    expected = again.value("w_calls", {"period": "7d", "dimensions": {"model": ["gpt-4"]}})
    expect(card(frame, "w_calls").locator(".kpi-value")).to_have_text(re.compile(f"^{int(expected):,}$"))
    assert page.evaluate("window.first === document.querySelector('#one iframe')")
    assert page.evaluate("controls.one.current.iframe === window.first")


def test_another_customer_meets_no_choice_of_the_former_one(stage: Stage, show: Callable[..., Page]) -> None:
    """Also when the frame was away in between, and when it is made anew for another reason."""
    acme, globex = stage.session(), stage.session("globex")
    page = show([{"kind": "frame", "name": "one", "embedUrl": acme.embed_url, "filters": {"period": "90d"}}])
    wait_for(page, "one", "onReady")
    settled(frame_of(page, "one"))
    frame_of(page, "one").get_by_role("radio", name="7 days").click()
    page.evaluate("controls.one.current.setFilters({ dimensions: { model: ['gpt-4'] } })")
    shows(frame_of(page, "one"), "w_calls", acme.value("w_calls", {"period": "7d", "dimensions": {"model": ["gpt-4"]}}))
    change(page, "one", embedUrl="")
    page.wait_for_function("!document.querySelector('#one iframe')")
    change(page, "one", embedUrl=globex.embed_url)
    expect(frame_of(page, "one").get_by_role("radio", name="90 days")).to_be_checked()
    shows(frame_of(page, "one"), "w_calls", globex.value("w_calls", {"period": "90d"}))
    # Back in place, then anew.
    change(page, "one", embedUrl=acme.embed_url)
    shows(frame_of(page, "one"), "w_calls", acme.value("w_calls", {"period": "90d"}))
    page.evaluate("window.first = document.querySelector('#one iframe')")
    change(page, "one", live=True)
    page.wait_for_function("(now => now && now !== first)(document.querySelector('#one iframe'))")
    shows(frame_of(page, "one"), "w_calls", acme.value("w_calls", {"period": "90d"}))


def test_a_frame_fetches_sessions_and_renews_a_revoked_one(stage: Stage, show: Callable[..., Page]) -> None:
    made: list[Any] = []

    def fresh(version: int) -> str:
        made.append((version, stage.session()))
        return made[-1][1].embed_url

    page = show([{"kind": "frame", "name": "one", "fetches": True}], lambda page: page.expose_function("freshUrl", fresh))
    stage.watched[-1][0].expected = re.compile("401")
    wait_for(page, "one", "onReady")
    settled(frame_of(page, "one"))
    change(page, "one", version=2)
    page.wait_for_function("controls.one.current.iframe")
    before = len(made)
    for _, session in made:
        assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    page.evaluate("controls.one.current.reload()")
    expect(card(frame_of(page, "one"), "w_calls")).to_be_visible()
    patiently(page, lambda: len(made) > before)
    assert made[-1][0] == 2, "the newest function is asked"
    settled(frame_of(page, "one"))
    assert page.locator("iframe").count() == 1


def test_a_bad_address_is_an_error_and_breaks_nothing(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([{"kind": "own", "name": "one", "embedUrl": "https://analytics.example.com/embed/none"},
                 {"kind": "frame", "name": "two", "embedUrl": ""}])
    assert wait_for(page, "one", "onError")[0][1]["code"] == "invalid_embed_url"
    expect(page.locator("#one output")).to_have_text("invalid_embed_url")
    assert page.locator("iframe").count() == 0
    session = stage.session()
    change(page, "one", embedUrl=session.embed_url)
    change(page, "two", embedUrl=session.embed_url)
    expect(page.locator("#one output")).to_have_text("shown")
    wait_for(page, "two", "onReady")
    page.locator("#one").get_by_role("button", name="Week").click()
    expect(frame_of(page, "one").get_by_role("radio", name="7 days")).to_be_checked()
    expect(frame_of(page, "two").get_by_role("radio", name="30 days")).to_be_checked()


def test_frames_leave_nothing_behind(stage: Stage, show: Callable[..., Page]) -> None:
    url = stage.session().embed_url
    page = show([{"kind": "frame", "name": "one", "embedUrl": url}, {"kind": "frame", "name": "two", "embedUrl": url}], count_listeners)
    wait_for(page, "one", "onReady")
    wait_for(page, "two", "onReady")
    page.evaluate("window.remove('one')")
    expect(page.locator("iframe")).to_have_count(1)
    page.evaluate("window.add({ kind: 'frame', name: 'three', embedUrl: '' })")
    page.evaluate("window.unmount()")
    expect(page.locator("iframe")).to_have_count(0)
    assert page.evaluate("document.getElementById('root').childElementCount") == 0
    assert page.evaluate("window.listening()") == 0


def count_listeners(page: Page) -> None:
    """Counts what listens to the window and to the document, other than React's own root."""
    page.add_init_script("""
      const kept = new Map();
      const key = (target, type, listener) => target.constructor.name + type + (kept.get(listener) ?? (kept.set(listener, kept.size), kept.size - 1));
      const open = new Set();
      const watched = ['message', 'online', 'pageshow', 'visibilitychange', 'storage'];
      for (const target of [window, document]) {
        const { addEventListener, removeEventListener } = target;
        target.addEventListener = function (type, listener, options) {
          if (watched.includes(type) && this !== undefined) open.add(key(target, type, listener));
          return addEventListener.call(target, type, listener, options);
        };
        target.removeEventListener = function (type, listener, options) {
          open.delete(key(target, type, listener));
          return removeEventListener.call(target, type, listener, options);
        };
      }
      window.listening = () => open.size;
    """)


# --- As the reference documents write it -----------------------------------------------------------------------------------

REFERENCE = """
import { createRoot } from 'react-dom/client';
import { EmbanEmbedFrame } from '@emban/embed-helper/react';
import { EmbanProvider, EmbanDashboard } from '@emban/react';
import { useEffect, useState } from 'react';

function Framed({ embedUrl }) {
  return (
    <EmbanEmbedFrame
      embedUrl={embedUrl}
      onReady={() => console.log('Loaded')}
      onDrill={(e) => console.log(e.dimension, e.value)}
      containerStyle={{ minHeight: 600, borderRadius: 8 }}
    />
  );
}

function Native({ token, dashboardId }) {
  return (
    <EmbanProvider
      host={window.emban}
      token={token}
      dashboardId={dashboardId}
    >
      <EmbanDashboard />
    </EmbanProvider>
  );
}

export function CustomerDashboard() {
  const [embedUrl, setEmbedUrl] = useState('');
  useEffect(() => {
    fetch('/api/analytics/session')
      .then(r => r.json())
      .then(d => setEmbedUrl(d.embedUrl));
  }, []);
  if (!embedUrl) return <div>Loading analytics...</div>;
  return (
    <EmbanEmbedFrame
      embedUrl={embedUrl}
      containerStyle={{ minHeight: 600 }}
    />
  );
}

createRoot(document.getElementById('root')).render(
  <>
    <div id="framed"><Framed embedUrl={window.session.embedUrl} /></div>
    <div id="native"><Native token={window.session.token} dashboardId={window.session.dashboardId} /></div>
    <div id="fetched"><CustomerDashboard /></div>
  </>);
"""


def test_components_as_the_reference_writes_them(stage: Stage, host_page: Hosts, tmp_path: Path) -> None:
    project = Project(tmp_path, ("react", "react-dom", "scheduler"))
    project.write("reference.jsx", REFERENCE)
    script = project.bundle("reference.jsx").replace("</script", "<\\/script")
    session, host = stage.session(), host_page()
    host.pages["/api/analytics/session"] = json.dumps({"embedUrl": stage.session().embed_url})
    known = json.dumps({"embedUrl": session.embed_url, "token": session.token, "dashboardId": stage.dashboard})
    page, _ = stage.page(host=host)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(host.serve(
        f'<div id="root"></div><script>window.emban = {json.dumps(stage.origin)}; window.session = {known}</script><script>{script}</script>'))
    expected = session.value("w_calls", {"period": "30d"})
    for place in (frame_of(page, "framed"), page.locator("#native"), frame_of(page, "fetched")):
        settled(place, 9)
        assert kpi_number(place, "w_calls") == expected
    card(frame_of(page, "framed"), "w_list").get_by_role("button", name="/v1/chat").click()
    patiently(page, lambda: "endpoint /v1/chat" in said)
    assert "Loaded" in said


# --- Without an iframe ----------------------------------------------------------------------------------------------------


def test_a_dashboard_in_the_page_itself(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([native(stage)])
    settled(page, 9)
    assert page.locator("iframe").count() == 0
    assert kpi_number(page, "w_calls") == stage.session().value("w_calls", {"period": "30d"})
    assert len(wait_for(page, "one", "onReady")) == 1
    page.evaluate("window.set('one', { version: 2 })")
    page.get_by_role("radio", name="7 days").click()
    version, filtered = wait_for(page, "one", "onFilter")[0]
    assert version == 2 and filtered["filters"]["period"] == "7d" and len(events(page, "one", "onFilter")) == 1
    card(page, "w_list").get_by_role("button", name="/v1/chat").click()
    assert [detail["widgetId"] for _, detail in wait_for(page, "one", "onDrill")] == ["w_list"]
    change(page, "one", theme={"mode": "dark"})
    expect(page.locator("#one .root")).to_have_attribute("data-mode", "dark")
    assert events(page, "one", "onError") == []
    shoot(page, "react-native")


def test_charts_and_hooks_of_one_provider_share_filters_and_answers(stage: Stage, show: Callable[..., Page]) -> None:
    session = stage.session()
    page = show([{**native(stage, parts=["numbers", "w_calls", "w_table"]), "token": session.token}])
    settled(page, 2)
    numbers = page.get_by_role("region", name="Numbers")
    calls = numbers.locator("[data-of=calls]")
    expect(calls).to_have_text(str(int(session.value("w_calls", {"period": "30d"}))))
    expect(numbers.get_by_role("heading")).to_have_text("API usage")
    expect(numbers.locator("[data-of=missing]")).to_have_text("widget_not_found")
    expect(numbers.locator("[data-of=values]")).to_contain_text("gpt-4")
    numbers.get_by_role("button", name="Week").click()
    expect(calls).to_have_text(str(int(session.value("w_calls", {"period": "7d"}))))
    expect(numbers.locator("[data-of=period]")).to_have_text("7d")
    settled(page, 2)
    assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "7d"})
    assert events(page, "one", "onFilter") == [], "what your own code sets is no news to it"
    numbers.get_by_role("button", name="Reset").click()
    expect(numbers.locator("[data-of=period]")).to_have_text("30d")


def test_only_what_is_shown_is_asked_for(stage: Stage, show: Callable[..., Page]) -> None:
    bodies: list[list[str]] = []

    def listen(page: Page) -> None:
        page.on("request", lambda request: bodies.append(sorted(json.loads(request.post_data or "{}")["widgets"]))
                if request.url.endswith("/v1/embed/query") else None)

    page = show([native(stage, parts=["numbers", "w_calls", "w_table"])], listen)
    settled(page, 2)
    assert {tuple(widgets) for widgets in bodies} == {("w_calls", "w_table")}, bodies
    bodies.clear()
    # One more asks for itself, and the whole dashboard for everything.
    change(page, "one", parts=["numbers", "w_calls", "w_table", "w_models"])
    settled(page, 3)
    assert bodies == [["w_models"]], bodies
    change(page, "one", parts=["dashboard"])
    settled(page, 9)
    bodies.clear()
    change(page, "one", parts=["w_calls"])
    settled(page, 1)
    page.evaluate("window.set('one', { filters: { period: '7d' } })")
    patiently(page, lambda: bodies)
    assert bodies == [["w_calls"]], bodies


def test_live_charts_of_one_provider_refresh_together(stage: Stage, show: Callable[..., Page]) -> None:
    stage.organization.ingest([event("react-live", string_props={"endpoint": "/v1/chat"})] * 3)
    bodies: list[list[str]] = []

    def listen(page: Page) -> None:
        page.on("request", lambda request: bodies.append(sorted(json.loads(request.post_data or "{}")["widgets"]))
                if request.url.endswith("/v1/embed/query") else None)

    shown = ["w_calls", "w_list", "w_models", "w_table", "w_tokens"]
    page = show([native(stage, tenant="react-live", parts=["numbers", *shown], live=True)], listen)
    settled(page, 5)
    calls = page.get_by_role("region", name="Numbers").locator("[data-of=calls]")
    expect(calls).to_have_text("3")
    bodies.clear()
    for number in range(4, 7):
        stage.organization.ingest([event("react-live", string_props={"endpoint": "/v1/chat"})])
        expect(calls).to_have_text(str(number))
        expect(card(page, "w_calls").locator(".kpi-value")).to_have_text(str(number))
    # One question for each change, not one for each chart; what was asked for a moment before a change may be asked for once more.
    assert 3 <= len(bodies) < 15 and all(widgets == shown for widgets in bodies), bodies
    assert events(page, "one", "onError") == []


def test_two_providers_at_once(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([native(stage, "one", "acme"), native(stage, "two", "globex")])
    one, two = page.locator("#one"), page.locator("#two")
    settled(one, 9)
    settled(two, 9)
    assert kpi_number(one, "w_calls") == stage.session("acme").value("w_calls", {"period": "30d"})
    assert kpi_number(two, "w_calls") == stage.session("globex").value("w_calls", {"period": "30d"})
    one.get_by_role("radio", name="7 days").click()
    settled(one, 9)
    expect(two.get_by_role("radio", name="30 days")).to_be_checked()
    assert events(page, "two", "onFilter") == []
    page.evaluate("window.remove('one')")
    expect(page.locator("#one")).to_have_count(0)
    two.get_by_role("radio", name="7 days").click()
    settled(two, 9)
    assert kpi_number(two, "w_calls") == stage.session("globex").value("w_calls", {"period": "7d"})


def test_tokens_are_fetched_and_a_revoked_one_is_replaced(stage: Stage, show: Callable[..., Page]) -> None:
    made: list[Any] = []

    def fresh(version: int) -> str:
        made.append((version, stage.session()))
        return made[-1][1].token

    def prepare(page: Page) -> None:
        page.expose_function("freshToken", fresh)

    page = show([{"kind": "native", "name": "one", "host": stage.origin, "fetches": True, "parts": ["dashboard", "numbers"]}], prepare)
    stage.watched[-1][0].expected = re.compile("401")
    settled(page, 9)
    page.get_by_role("radio", name="7 days").click()
    settled(page, 9)
    change(page, "one", version=2)
    before = len(made)
    for _, session in made:
        assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    page.get_by_role("button", name="Refresh").click()
    patiently(page, lambda: len(made) > before)
    assert made[-1][0] == 2, "the newest function is asked"
    calls = page.get_by_role("region", name="Numbers").locator("[data-of=calls]")
    expect(calls).to_have_text(str(int(made[-1][1].value("w_calls", {"period": "7d"}))))
    settled(page, 9)
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()


def test_a_session_that_ends_on_a_live_page_is_replaced(stage: Stage, show: Callable[..., Page]) -> None:
    """The stream says so, without anything being asked for; several charts hear of it, and one fresh token is fetched."""
    made: list[Any] = []
    ended: list[str] = []

    def fresh(version: int) -> str:
        made.append(stage.session())
        return made[-1].token

    def listen(route: Route) -> None:
        if not ended and made:
            ended.append(route.request.headers["authorization"].removeprefix("Bearer "))
        if route.request.headers["authorization"].removeprefix("Bearer ") not in ended:
            return route.continue_()
        stream = 'event: open\ndata: {}\n\nevent: end\ndata: {"code": "token_expired"}\n\n'
        headers = {"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": "*"}
        return route.fulfill(status=200, headers=headers, body=stream)

    def prepare(page: Page) -> None:
        page.expose_function("freshToken", fresh)
        page.route("**/v1/embed/live*", listen)

    page = show([{"kind": "native", "name": "one", "host": stage.origin, "fetches": True, "live": True, "parts": ["w_calls", "w_list"]}], prepare)
    patiently(page, lambda: made and ended and made[-1].token not in ended)
    settled(page, 2)
    assert [detail["code"] for _, detail in events(page, "one", "onError")] == ["token_expired"]
    assert kpi_number(page, "w_calls") == made[-1].value("w_calls", {"period": "30d"})


def test_a_token_that_is_taken_away_takes_along_what_it_has_shown(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([native(stage, parts=["dashboard", "numbers"])])
    settled(page, 9)
    calls = page.get_by_role("region", name="Numbers").locator("[data-of=calls]")
    shown = calls.inner_text()
    change(page, "one", token=None)
    expect(page.locator("[data-widget]")).to_have_count(0)
    expect(calls).not_to_have_text(shown)
    other = stage.session("globex")
    change(page, "one", token=other.token)
    settled(page, 9)
    assert kpi_number(page, "w_calls") == other.value("w_calls", {"period": "30d"})
    assert events(page, "one", "onError") == []


def test_a_token_is_renewed_before_it_ends(stage: Stage, show: Callable[..., Page]) -> None:
    made: list[Any] = []

    def fresh(version: int) -> str:
        made.append(stage.session(expires_in=60 if len(made) < 2 else 3600))
        return made[-1].token

    def prepare(page: Page) -> None:
        page.clock.install()
        page.expose_function("freshToken", fresh)

    page = show([{"kind": "native", "name": "one", "host": stage.origin, "fetches": True}], prepare)
    settled(page, 9)
    before = len(made)
    page.clock.fast_forward(50_000)
    wait_for(page, "one", "onTokenExpiring")
    patiently(page, lambda: len(made) > before)
    settled(page, 9)
    assert events(page, "one", "onError") == []


def test_tokens_that_are_refused_again_and_again_are_an_error(stage: Stage, show: Callable[..., Page]) -> None:
    session = stage.session()
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    asked: list[int] = []

    def prepare(page: Page) -> None:
        page.clock.install()
        page.expose_function("freshToken", lambda version: asked.append(version) or session.token)

    page = show([{"kind": "native", "name": "one", "host": stage.origin, "fetches": True, "parts": ["dashboard", "numbers"]}], prepare)
    stage.watched[-1][0].expected = re.compile("401")

    def is_given_up() -> bool:
        page.clock.fast_forward(5000)
        return any(detail["code"] == "session_refused" for _, detail in events(page, "one", "onError"))

    patiently(page, is_given_up)
    assert len(asked) <= 7, "not for ever"
    expect(page.get_by_role("region", name="Numbers").locator("[data-of=calls]")).to_have_text("session_revoked")
    # A good one, whenever it comes, is shown.
    change(page, "one", token=stage.session().token)
    settled(page, 9)


def test_a_new_token_in_the_props_is_adopted(stage: Stage, show: Callable[..., Page]) -> None:
    again = stage.session()
    page = show([native(stage, token="")])
    page.wait_for_function("document.querySelector('#one > div')?.shadowRoot?.childElementCount")
    assert page.locator("[data-widget]").count() == 0
    change(page, "one", token=again.token)
    settled(page, 9)
    page.get_by_role("radio", name="7 days").click()
    settled(page, 9)
    change(page, "one", token=stage.session().token)
    settled(page, 9)
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    # Another customer starts from nothing.
    other = stage.session("globex")
    change(page, "one", token=other.token)
    expect(page.get_by_role("radio", name="30 days")).to_be_checked()
    settled(page, 9)
    assert kpi_number(page, "w_calls") == other.value("w_calls", {"period": "30d"})


def test_the_page_keeps_nothing_of_providers_that_are_gone(stage: Stage, show: Callable[..., Page]) -> None:
    page = show([native(stage, parts=["dashboard", "numbers"], live=True), native(stage, "two", parts=["w_calls"])], count_listeners)
    settled(page.locator("#one"), 9)
    settled(page.locator("#two"), 1)
    assert page.evaluate("window.listening()") > 0
    page.evaluate("window.remove('two')")
    page.evaluate("window.unmount()")
    page.wait_for_function("document.getElementById('root').childElementCount === 0")
    assert page.evaluate("window.listening()") == 0
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    stage.organization.ingest([event("acme", "react.unmounted")])
    page.wait_for_timeout(1500)
    assert asked == [], "a page that shows nothing asks for nothing"
