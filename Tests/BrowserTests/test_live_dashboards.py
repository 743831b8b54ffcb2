"""Dashboards that refresh by themselves: at once, without a flicker, and without taking anything from who looks at them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from embantest.browser import HostPage, card, kpi_number, number, open_context, record, settled, shoot
from embantest.live import LiveStream
from embantest.process import EmbanProcess
from embantest.stage import FILTERS, WIDGETS, Stage, calls
from embantest.steady import PATIENCE, eventually
from embantest.workspace import Organization, Session, event, groups
from playwright.sync_api import Browser, Frame, Locator, Page, expect

from test_accessibility import poor_contrast, tree

pytestmark = pytest.mark.alone

Hosts = Callable[[], HostPage]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def live(emban: EmbanProcess) -> tuple[Organization, str]:
    organization = Organization(emban.url)
    organization.ingest(calls("acme", 3_000))
    widgets = [*WIDGETS, {"id": "w_note", "title": "Note", "kind": "text", "chart": "text", "position": {"x": 0, "y": 14, "w": 12, "h": 2},
                          "options": {"markdown": "Words stay."}}]
    return organization, organization.create_dashboard(widgets, filters=FILTERS, name="Live usage", live=True, publish=True)["id"]


@pytest.fixture
def stage(emban: EmbanProcess, live: tuple[Organization, str], browser: Browser) -> Iterator[Stage]:
    made = Stage(emban, live[0], live[1], browser)
    yield made
    for _, context in made.watched:
        context.close()
    for watch, _ in made.watched:
        watch.check()


#: Notes what a viewer would notice: cards that fade or empty, texts that are announced, numbers as they change.
WATCH_CARDS = """() => {
  const root = document.querySelector('emban-dashboard').shadowRoot;
  window.seen = { statuses: new Set(), busy: 0, announced: [], drawn: {} };
  new MutationObserver((records) => {
    for (const { target, type, attributeName, addedNodes } of records) {
      if (type === 'attributes') {
        if (attributeName === 'data-status') seen.statuses.add(target.dataset.status);
        if (attributeName === 'aria-busy' && target.getAttribute('aria-busy') === 'true') seen.busy += 1;
        continue;
      }
      const element = target.nodeType === 1 ? target : target.parentElement;
      const region = element?.closest('[role=status], [role=alert], [aria-live]');
      if (region && region.textContent) seen.announced.push(region.textContent);
      const card = element?.closest('[data-widget]');
      if (card && addedNodes.length > 0) seen.drawn[card.dataset.widget] = (seen.drawn[card.dataset.widget] ?? 0) + 1;
    }
  }).observe(root, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-status', 'aria-busy'] });
}"""
SEEN = "() => ({ ...seen, statuses: [...seen.statuses] })"
#: As if another tab were in front.
HIDE = """(hidden) => {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => hidden ? 'hidden' : 'visible' });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def mark(place: Page | Frame) -> Locator:
    return place.locator("button.live")


def opened(stage: Stage, session: Session | None = None, **options: Any) -> tuple[Page, Session]:
    session = session or stage.session()
    page, _ = stage.page(**options)
    page.goto(f"{stage.origin}/embed/{stage.dashboard}#token={session.token}")
    settled(page)
    expect(mark(page)).to_have_text("Live")
    return page, session


def call(**more: Any) -> Json:
    return event("acme", string_props={"model": "gpt-4", "endpoint": "/v1/chat", "status": "success"},
                 numeric_props={"tokens": 100, "latency_ms": 120}, **more)


def expect_calls(page: Page | Frame, count: float, seconds: float = PATIENCE) -> float:
    """Waits until the card shows the number; gives the moment."""
    deadline = time.monotonic() + seconds
    while (shown := kpi_number(page, "w_calls")) != count:
        assert time.monotonic() < deadline, f"{shown} is shown, not {count}"
        time.sleep(0.004)
    return time.monotonic()


def now_shown(page: Page | Frame) -> float:
    return kpi_number(page, "w_calls")


# --- What is seen ---------------------------------------------------------------------------------------------------------


def test_a_stored_event_is_seen_without_a_reload(stage: Stage) -> None:
    page, session = opened(stage)
    count = now_shown(page)
    took = []
    for more in range(1, 4):
        time.sleep(2.2)
        sent = time.monotonic()
        stage.organization.ingest([call()])
        took.append(round(1000 * (expect_calls(page, count + more) - sent)))
    print(f"from sending an event to its number on the screen: {took} ms")
    record("live", {"milliseconds_to_the_screen": took})
    assert sorted(took)[1] < 3000, took
    settled(page)
    # Everything on the page is of the new state.
    assert session.value("w_calls") == count + 3
    chat = groups(session.result("w_table", {"period": "30d"}))["/v1/chat"]
    eventually(lambda: {number(number_of(page, name, "/v1/chat")) for name in ("w_list", "w_table")}, lambda shown: shown == {chat}, f"{chat} in both")
    shoot(page, "live")


def number_of(page: Page, widget: str, name: str) -> str:
    """The number beside a name."""
    row = card(page, widget).locator(".list-row, tbody tr").filter(has_text=name)
    return row.locator(".list-value, td.measure").inner_text()


def test_nothing_flickers_and_nothing_is_announced(stage: Stage) -> None:
    page, _ = opened(stage)
    page.wait_for_timeout(300)
    page.evaluate(WATCH_CARDS)
    count = now_shown(page)
    for number in range(1, 4):
        with page.expect_response("**/v1/embed/query") as answer:
            stage.organization.ingest([call()])
        expect_calls(page, count + number)
        answer.value.finished()
        page.wait_for_timeout(300)
    seen = page.evaluate(SEEN)
    assert set(seen["statuses"]) <= {"ok"} and seen["busy"] == 0, seen
    assert seen["announced"] == []
    assert "w_calls" in seen["drawn"] and "w_note" not in seen["drawn"]
    # An event that changes no number of theirs draws no card anew.
    page.wait_for_timeout(1_000)
    page.evaluate(WATCH_CARDS)
    with page.expect_response("**/v1/embed/query"):
        stage.organization.ingest([event("acme", "something.else")])
    page.wait_for_timeout(500)
    assert page.evaluate(SEEN)["drawn"] == {}


def test_what_the_viewer_has_set_stays(stage: Stage) -> None:
    """Filters, an open list, scrolling inside a card and of the page, sorting, focus, an open panel."""
    page, session = opened(stage)
    page.get_by_role("radio", name="7 days").click()
    page.wait_for_timeout(300)
    settled(page)
    table = card(page, "w_table")
    table.get_by_role("button", name="Endpoint", exact=True).click()
    order = table.locator("tbody th").all_inner_texts()
    scrolls = table.locator(".table-scroll")
    scrolls.evaluate("e => { e.style.maxHeight = '120px'; e.scrollTop = 60; }")
    page.get_by_role("group", name="Filters", exact=True).get_by_role("button", name="Model").click()
    search = page.get_by_placeholder("Search…")
    with page.expect_response(re.compile("/v1/embed/filter-values.*q=gpt")):
        search.fill("gpt")
    # The list shows its first entry of those that were found.
    expect(page.get_by_role("option")).to_have_count(2)
    expect(page.locator(".option.active")).to_have_count(1)
    page.evaluate("scrollTo(0, 200)")
    count = now_shown(page)
    stage.organization.ingest([call()])
    expect_calls(page, count + 1)
    page.wait_for_timeout(400)
    assert session.value("w_calls", {"period": "7d"}) == count + 1
    expect(search).to_be_focused()
    expect(search).to_have_value("gpt")
    assert page.evaluate("scrollY") == 200
    assert scrolls.evaluate("e => e.scrollTop") == 60
    assert table.locator("tbody th").all_inner_texts() == order
    expect(page.get_by_role("radio", name="7 days")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    # A focused value keeps the focus, although its row is drawn anew.
    row = card(page, "w_list").get_by_role("button", name="/v1/chat")
    row.focus()
    page.wait_for_timeout(1900)
    stage.organization.ingest([call()])
    expect_calls(page, count + 2)
    page.wait_for_timeout(400)
    expect(card(page, "w_list").get_by_role("button", name="/v1/chat")).to_be_focused()


def test_an_open_panel_stays_as_it_was_read(stage: Stage) -> None:
    page, _ = opened(stage)
    card(page, "w_calls").get_by_role("button", name=re.compile("^Menu")).click()
    page.get_by_role("menuitem", name="Show details").click()
    panel = page.locator("dialog.drill[open]")
    panel.locator(".drill-body:not([aria-busy]) table").wait_for()
    before = panel.locator("table").inner_text()
    count = now_shown(page)
    stage.organization.ingest([call()])
    expect_calls(page, count + 1)
    page.wait_for_timeout(400)
    expect(panel).to_be_visible()
    assert panel.locator("table").inner_text() == before
    shoot(page, "live-panel", full=False)


def test_another_customers_events_change_nothing(stage: Stage) -> None:
    # A customer of whom nothing was ever stored: nothing of it can be on its way.
    page, _ = opened(stage, stage.session("quiet"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    stage.organization.ingest([event("globex"), event("Quiet")])
    page.wait_for_timeout(2500)
    assert asked == []


# --- Pausing, hiding, losing the connection -------------------------------------------------------------------------------


def test_the_mark_pauses_and_resumes(stage: Stage) -> None:
    page, _ = opened(stage)
    count = now_shown(page)
    mark(page).focus()
    page.keyboard.press("Enter")
    expect(mark(page)).to_have_text("Paused")
    expect(mark(page)).to_be_focused()
    shoot(page, "live-paused", full=False)
    stage.organization.ingest([call()])
    page.wait_for_timeout(1500)
    assert now_shown(page) == count
    page.keyboard.press("Space")
    expect(mark(page)).to_have_text("Live")
    expect_calls(page, count + 1)


def test_a_page_that_nobody_sees_asks_for_nothing(stage: Stage) -> None:
    page, session = opened(stage)
    count = now_shown(page)
    page.evaluate(HIDE, True)
    # Its place is free again: a session has six.
    others = [eventually(lambda: LiveStream(session.client), lambda stream: stream.refused is None, "a place") for _ in range(6)]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for stream in others:
        stream.close()
    stage.organization.ingest([call()])
    page.wait_for_timeout(1500)
    assert asked == [] and now_shown(page) == count
    page.evaluate(HIDE, False)
    expect_calls(page, count + 1)
    assert len([url for url in asked if "/v1/embed/live" in url]) == 1


def test_a_server_that_comes_back_is_heard_again(own_server: Callable[..., EmbanProcess], browser: Browser) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([call() for _ in range(5)])
    dashboard = organization.create_dashboard(WIDGETS[:1], live=True, publish=True)["id"]
    session = organization.session("acme", dashboard)
    context = open_context(browser)
    page = context.new_page()
    page.goto(f"http://localhost:{server.port}/embed/{dashboard}#token={session.token}")
    expect(mark(page)).to_have_text("Live")
    expect_calls(page, 5)
    assert server.terminate() == 0
    expect(mark(page)).to_have_text("Reconnecting…")
    assert now_shown(page) == 5
    assert page.locator("[role=status].sr").first.inner_text() == "Live updates are interrupted"
    shoot(page, "live-reconnecting", full=False)
    server.start()
    organization.ingest([call()])
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(mark(page)).to_have_text("Live")
    expect_calls(page, 6)
    context.close()
    server.close()


def test_a_withdrawn_session_shows_nothing_more(stage: Stage) -> None:
    page, session = opened(stage)
    stage.watched[-1][0].expected = re.compile("401")
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    expect(page.locator(".failure")).to_contain_text("Access to this dashboard was withdrawn")
    assert page.locator("[data-widget]").count() == 0


# --- Who wants it ---------------------------------------------------------------------------------------------------------


def test_the_host_decides_otherwise(stage: Stage, host_page: Hosts) -> None:
    """`live` of the element and of the helper, with a dashboard that says so and one that does not."""
    still = stage.organization.create_dashboard(WIDGETS[:1], name="Still", publish=True)["id"]
    host = host_page()
    page, _ = stage.page(host=host)
    head = "".join(f'<script src="{stage.origin}/sdk/{name}.js"></script>' for name in ("emban-dashboard", "emban-embed"))
    tokens = {name: stage.organization.session("acme", name).token for name in (stage.dashboard, still)}
    page.goto(host.serve(
        f'<emban-dashboard id="a" token="{tokens[stage.dashboard]}" live="off"></emban-dashboard>'
        f'<emban-dashboard id="b" token="{tokens[still]}" live></emban-dashboard>'
        f'<emban-dashboard id="c" token="{tokens[still]}"></emban-dashboard><div id="d"></div>', head))
    page.evaluate("url => { window.embed = Emban.create({container: '#d', embedUrl: url, live: true}); }",
                  f"{stage.origin}/embed/{still}#token={tokens[still]}")
    expect(page.locator("#b button.live")).to_have_text("Live")
    expect(mark(page.frame_locator("iframe").locator("body").page.frames[1])).to_have_text("Live")
    for name in ("a", "c"):
        card(page.locator(f"#{name}"), "w_calls").locator(".kpi-value").wait_for()
        expect(page.locator(f"#{name} button.live")).to_be_hidden()
    page.evaluate("document.querySelector('#c').setAttribute('live', '')")
    expect(page.locator("#c button.live")).to_have_text("Live")
    page.evaluate("document.querySelector('#c').removeAttribute('live')")
    expect(page.locator("#c button.live")).to_be_hidden()


def test_a_refresh_of_the_cache_reaches_a_page_that_is_not_live(stage: Stage) -> None:
    still = stage.organization.create_dashboard(WIDGETS[:1], name="Still", publish=True)["id"]
    session = stage.organization.session("acme", still)
    page, _ = stage.page()
    with page.expect_response(lambda answer: "only=session" in answer.url):
        page.goto(session.embed_url)
    settled(page, 1)
    count = now_shown(page)
    stage.organization.ingest([call()])
    eventually(lambda: session.value("w_calls"), lambda value: value == count + 1, "the event counts", PATIENCE)
    assert now_shown(page) == count, "by itself it stays as it is"
    # Told again until the page hears: it may have begun to listen after the first.
    deadline = time.monotonic() + PATIENCE
    while now_shown(page) != count + 1:
        assert time.monotonic() < deadline, f"{now_shown(page)} is shown, not {count + 1}"
        stage.organization.admin.post("/v1/cache/refresh", {"tenant_id": "acme"})
        page.wait_for_timeout(1_500)


def test_many_embeds_leave_connections_for_their_questions(stage: Stage, host_page: Hosts) -> None:
    """A browser opens six connections to a server without HTTP/2: nine live embeds must still show their data, and all learn of a change."""
    host = host_page()
    page, _ = stage.page(host=host)
    head = f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script>'
    small = stage.organization.create_dashboard(WIDGETS[:1], name="Small", live=True, publish=True)["id"]
    tokens = [stage.organization.session("acme", small).token for _ in range(9)]
    page.goto(host.serve("".join(f'<emban-dashboard id="e{number}" token="{token}"></emban-dashboard>' for number, token in enumerate(tokens)), head))
    places = [page.locator(f"#e{number}") for number in range(9)]
    for place in places:
        expect(place.locator("button.live")).to_have_text("Live")
        card(place, "w_calls").locator(".kpi-value").wait_for()
    counts = {kpi_number(place, "w_calls") for place in places}
    assert len(counts) == 1
    stage.organization.ingest([call()])
    deadline = time.monotonic() + PATIENCE
    while {kpi_number(place, "w_calls") for place in places} != {counts.copy().pop() + 1}:
        assert time.monotonic() < deadline, [kpi_number(place, "w_calls") for place in places]
        page.wait_for_timeout(100)


# --- How it looks and reads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "scheme", "width"), [("light", "light", 1280), ("dark", "dark", 1280), ("phone", "light", 360), ("phone-dark", "dark", 360)])
def test_the_mark_is_legible_and_says_what_it_does(stage: Stage, name: str, scheme: str, width: int) -> None:
    session = stage.session()
    page, _ = stage.page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{stage.origin}/embed/{stage.dashboard}#token={session.token}&theme={json.dumps({'mode': scheme})}")
    settled(page)
    expect(mark(page)).to_have_text("Live")
    page.wait_for_timeout(400)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = mark(page).bounding_box()
    assert box and box["height"] >= 24 and box["width"] >= 24
    for paused in (False, True):
        if paused:
            mark(page).click()
        page.mouse.move(5, 5)
        page.wait_for_timeout(300)
        assert poor_contrast(page) == []
        node = next(node for node in tree(page) if node["role"] == "button" and node["name"] in ("Live", "Paused"))
        assert node["name"] == ("Paused" if paused else "Live")
        assert mark(page).get_attribute("title") == ("Updates are paused. Press to resume." if paused else "Updates by itself. Press to pause.")
        shoot(page, f"live-{name}{'-paused' if paused else ''}", full=False)


def test_without_motion_nothing_moves(stage: Stage) -> None:
    page, _ = opened(stage, reduced_motion="reduce")
    count = now_shown(page)
    stage.organization.ingest([call()])
    expect_calls(page, count + 1)
    assert mark(page).evaluate("e => getComputedStyle(e, '::before').animationName") == "none"
