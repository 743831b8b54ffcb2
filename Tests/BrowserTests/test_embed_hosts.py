"""Host pages as they are: with a strict policy, with hostile styles, on phones and walls, in the dark, without a mouse, with two dashboards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from embantest.browser import HostPage, card, kpi_number, record, settled, shows
from embantest.stage import Stage
from embantest.ways import tab, until
from embantest.workspace import Session
from playwright.sync_api import Frame, Page, expect
from test_accessibility import NAMED, nameless, poor_contrast

Hosts = Callable[[], HostPage]


def frame_of(page: Page, container: str) -> Frame:
    page.locator(f"{container} iframe").wait_for()
    handle = page.locator(f"{container} iframe").element_handle()
    frame = handle.content_frame() if handle else None
    assert frame is not None
    return frame


def helper_page(stage: Stage, host: HostPage, session: Session, style: str = "", before: str = "", after: str = "", **options: Any) -> Page:
    head = f'<script src="{stage.origin}/sdk/emban-embed.js"></script><style>{style}</style>'
    script = f"window.handle = Emban.create({{container: '#analytics', embedUrl: {session.embed_url!r}}})"
    page, _ = stage.page(host=host, **options)
    page.goto(host.serve(f'{before}<div id="analytics"></div>{after}<script>{script}</script>', head))
    settled(frame_of(page, "#analytics"))
    return page


def test_a_strict_policy_is_enough_for_helper_and_element(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    session = stage.session()
    host.pages["/app.js"] = f"""
      window.handle = Emban.create({{container: '#analytics', embedUrl: {session.embed_url!r}}});
      const element = document.createElement('emban-dashboard');
      element.setAttribute('token', {session.token!r});
      document.querySelector('#element').append(element);
    """
    # The policies of the documentation, together; the page's own script is a file of its own. Anything else shows as a violation.
    policy = f"default-src 'none'; script-src 'self' {stage.origin}; frame-src {stage.origin}; connect-src {stage.origin}; img-src data:; style-src 'none'"
    head = (f'<meta http-equiv="Content-Security-Policy" content="{policy}"><script src="{stage.origin}/sdk/emban-embed.js"></script>'
            f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script>')
    page, _ = stage.page(host=host)
    page.goto(host.serve('<div id="analytics"></div><div id="element"></div><script src="/app.js"></script>', head))
    frame = frame_of(page, "#analytics")
    settled(frame)
    settled(page, 9)
    expected = session.value("w_calls", {"period": "30d"})
    assert kpi_number(frame, "w_calls") == expected and kpi_number(page, "w_calls") == expected
    expect(card(page, "w_time").locator("svg").first).to_be_visible()
    page.wait_for_function("document.querySelector('#analytics iframe').getBoundingClientRect().height > 600")


#: Inherited by everything below, unless that says otherwise.
HOSTILE = """
  * { color: red !important; font-size: 33px !important; line-height: 3 !important; font-style: italic !important; font-weight: 900 !important;
      font-variant: small-caps !important; text-transform: uppercase !important; letter-spacing: 9px !important; word-spacing: 20px !important;
      text-align: right !important; text-indent: 40px !important; text-shadow: 3px 3px 3px lime !important; white-space: nowrap !important;
      cursor: wait !important; list-style: square inside !important; quotes: none !important; hyphens: auto !important; word-break: break-all !important;
      border-collapse: collapse !important; border-spacing: 9px !important; caption-side: bottom !important; tab-size: 20 !important; }
  iframe { height: 40px !important; max-height: 60px !important; width: 90px !important; border: 9px solid red !important; display: none !important; }
"""
LOOK = """elements => elements.slice(0, 80).map((element) => {
  const style = getComputedStyle(element);
  return ['color', 'fontSize', 'lineHeight', 'fontStyle', 'fontWeight', 'fontVariant', 'textTransform', 'letterSpacing', 'wordSpacing', 'textAlign', 'textIndent',
    'textShadow', 'whiteSpace', 'cursor', 'wordBreak', 'borderCollapse', 'display', 'boxSizing'].map((name) => name + ': ' + style[name]).join('; ');
})"""


def test_hostile_styles_change_nothing_inside(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    looks = []
    for style in ("", HOSTILE):
        host = host_page()
        page, _ = stage.page(host=host)
        page.goto(host.serve(
            f'<emban-dashboard token="{session.token}"></emban-dashboard><div id="analytics"></div>'
            f"<script>window.handle = Emban.create({{container: '#analytics', embedUrl: {session.embed_url!r}}})</script>",
            f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script><script src="{stage.origin}/sdk/emban-embed.js"></script><style>{style}</style>'))
        settled(page, 9)
        looks.append({
            selector: page.locator(f"emban-dashboard {selector}").evaluate_all(LOOK)
            for selector in (".name", ".field", ".segment", ".card", ".card-title", ".kpi-value", ".kpi-note", ".list-label", "th", "td", ".icon-button", ".badge")})
        frame = frame_of(page, "#analytics")
        settled(frame)
        # As wide as its place and as high as its content.
        page.wait_for_function("(({ width, height }) => width > 1000 && height > 600)(document.querySelector('#analytics iframe').getBoundingClientRect())")
    for selector, look in looks[0].items():
        assert look and look == looks[1][selector], selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(360, 740), (3840, 2160)])
def test_from_phones_to_walls_by_day_and_night(stage: Stage, host_page: Hosts, size: tuple[int, int], scheme: str) -> None:
    session = stage.session()
    page, _ = stage.page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(f"{session.embed_url.split('?')[0]}#token={session.token}&theme=%7B%22mode%22%3A%22auto%22%7D")
    settled(page, 9)
    expect(page.locator("emban-dashboard .root")).to_have_attribute("data-mode", scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0], "nothing beyond the side"
    boxes = page.locator("[data-widget]").evaluate_all("cards => cards.map((card) => { const box = card.getBoundingClientRect(); return [box.left, box.right, box.width, box.height]; })")
    assert all(left >= 0 and right <= size[0] and width > 100 and height > 60 for left, right, width, height in boxes), boxes
    assert poor_contrast(page) == []
    assert nameless(page, NAMED) == []


def test_two_dashboards_on_a_page_by_different_ways(stage: Stage, host_page: Hosts) -> None:
    acme, globex = stage.session("acme"), stage.session("globex")
    host = host_page()
    page, _ = stage.page(host=host)
    page.goto(host.serve(
        f'<emban-dashboard token="{globex.token}" mode="dark"></emban-dashboard><div id="one"></div>'
        f"<script>window.log = []; window.handle = Emban.create({{container: '#one', embedUrl: {acme.embed_url!r}}});"
        "handle.on('filter', (event) => log.push(event)); addEventListener('emban-filter', (event) => log.push('element'));</script>",
        f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script><script src="{stage.origin}/sdk/emban-embed.js"></script>'))
    frame = frame_of(page, "#one")
    settled(frame)
    settled(page, 9)
    element = page.locator("emban-dashboard")
    element.get_by_role("radio", name="7 days").click()
    expect(element.get_by_role("radio", name="7 days")).to_be_checked()
    page.wait_for_function("log.length === 1 && log[0] === 'element'")
    shows(element, "w_calls", globex.value("w_calls", {"period": "7d"}))
    assert kpi_number(frame, "w_calls") == acme.value("w_calls", {"period": "30d"})
    page.evaluate("handle.setFilters({period: '90d'})")
    shows(frame, "w_calls", acme.value("w_calls", {"period": "90d"}))
    expect(element.get_by_role("radio", name="7 days")).to_be_checked()
    page.evaluate("handle.destroy()")
    assert page.locator("#one iframe").count() == 0
    element.get_by_role("radio", name="30 days").click()
    shows(element, "w_calls", globex.value("w_calls", {"period": "30d"}))


def test_without_a_mouse_through_the_frame_and_out_of_it(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = helper_page(stage, host_page(), session, before='<button id="before">Before</button>', after='<button id="after">After</button>')
    frame = frame_of(page, "#analytics")
    page.locator("#before").focus()
    focused = "() => document.querySelector('emban-dashboard').shadowRoot.activeElement?.getAttribute('aria-label') ?? document.querySelector('emban-dashboard').shadowRoot.activeElement?.textContent"
    reached = []
    for _ in range(60):
        tab(page, frame)
        if page.evaluate("document.activeElement.id") == "after":
            break
        reached.append(str(frame.evaluate(focused)).strip())
    assert page.evaluate("document.activeElement.id") == "after", f"the way leads out again: {reached}"
    for wanted in ("Model", "30 days", "Menu: API calls", "View as table: Calls over time", "/v1/chat"):
        assert any(wanted in name for name in reached), (wanted, reached)
    # Back in from behind, and up to the period.
    for _ in range(60):
        tab(page, frame, "Shift+Tab")
        if "30 days" in str(frame.evaluate(focused)):
            break
    page.keyboard.press("ArrowLeft")
    expect(frame.get_by_role("radio", name="7 days")).to_be_checked()
    shows(frame, "w_calls", session.value("w_calls", {"period": "7d"}))
    for _ in range(10):
        tab(page, frame)
        if frame.evaluate(focused) == "Menu: API calls":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(frame.get_by_role("dialog")).to_have_count(0)
    assert frame.evaluate(focused) == "Menu: API calls", "the focus comes back"


def test_the_helpers_page_is_light(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    host = host_page()
    page, _ = stage.page(host=host)
    seen: list[tuple[str, int]] = []

    def finished(request: Any) -> None:
        if request.url.startswith(stage.origin):
            sizes = request.sizes()
            seen.append((request.url, sizes["responseBodySize"] + sizes["responseHeadersSize"]))

    page.on("requestfinished", finished)
    url = host.serve(
        '<div id="analytics"></div><script>window.handle = Emban.create({container: "#analytics", embedUrl: ' + repr(session.embed_url)
        + "}); handle.on('ready', () => { window.readyAfter = performance.now(); })</script>", f'<script src="{stage.origin}/sdk/emban-embed.js"></script>')
    page.goto(url)
    settled(frame_of(page, "#analytics"))
    page.wait_for_function("window.readyAfter > 0")
    until(page, lambda: any("echarts" in url for url, _ in seen), "what was fetched is told of")
    total = sum(size for _, size in seen)
    record("embed-cost", {"requests": len(seen), "bytes": total, "ready_ms": page.evaluate("readyAfter"), "each": seen})
    assert len(seen) <= 8, seen
    assert 100_000 < total <= 450_000, seen
