"""<dbn-dashboard> as the guides for it have it, and what a host page may style, switch and renew on an element."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embantest.browser import HostPage, card, kpi_number, painted, settled, shows
from embantest.stage import Stage
from playwright.sync_api import Page, Route, expect

Hosts = Callable[[], HostPage]

#: A page as guides for Python back ends have it: a renewal is one more element in the same place.
GUIDE = """
  <main id="usage"></main>
  <script>
    // Each call appends one more element and sets one more timer.
    const show = async () => {
      const answer = await fetch('/api/guest-token', { method: 'POST', credentials: 'include' });
      const element = document.createElement('dbn-dashboard');
      element.setAttribute('token', (await answer.json()).token);
      element.setAttribute('dashboard-id', 'DASHBOARD');
      document.getElementById('usage').appendChild(element);
      setInterval(show, 50 * 60 * 1000);
    };
    show();
  </script>
"""


def guide_page(stage: Stage, host: HostPage) -> Page:
    page, _ = stage.page(host=host)
    page.clock.install()

    def token(route: Route) -> None:
        route.fulfill(json={"token": stage.session().token})

    page.route("**/api/guest-token", token)
    head = f'<script type="module" src="{stage.origin}/web-components/dbn-dashboard.js"></script>'
    page.goto(host.serve(GUIDE.replace("DASHBOARD", stage.dashboard), head))
    settled(page)
    return page


def test_the_guides_page_shows_one_dashboard_however_often_it_appends_one(stage: Stage, host_page: Hosts) -> None:
    page = guide_page(stage, host_page())
    assert kpi_number(page, "w_calls") == stage.session().value("w_calls", {"period": "30d"})
    page.get_by_role("radio", name="7 days").click()
    settled(page)
    page.evaluate("""() => {
      window.events = [];
      for (const name of ['ready', 'error']) addEventListener('emban-' + name, (event) => events.push([name, event.target === document.querySelector('dbn-dashboard')]));
      window.first = document.querySelector('dbn-dashboard');
      window.kept = first.shadowRoot.querySelector('[data-widget=w_time]');
      window.bones = 0;
      new MutationObserver(() => (bones += kept.getRootNode().querySelectorAll?.('.ghost').length ?? 0)).observe(kept.getRootNode(), { subtree: true, childList: true });
    }""")
    # The guide's page sets one more timer with each call: 50 minutes later there is one call, then two, then four.
    for rounds in range(3):
        page.clock.fast_forward(50 * 60 * 1000)
        page.wait_for_function(f"events.filter(([name]) => name === 'ready').length >= {rounds + 1}")
        settled(page, 9)
        assert page.locator("dbn-dashboard").count() == 1
    assert page.evaluate("first.isConnected") is False
    assert page.evaluate("kept.isConnected && kept.getRootNode().host === document.querySelector('dbn-dashboard')"), "nothing was drawn anew"
    assert page.evaluate("bones") == 0
    assert page.evaluate("events.every(([name, own]) => name === 'ready' && own)"), "the newest element speaks, and nothing failed"
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    shows(page, "w_calls", stage.session().value("w_calls", {"period": "7d"}))


def test_an_open_panel_and_the_focus_survive_the_change(stage: Stage, host_page: Hosts) -> None:
    page = guide_page(stage, host_page())
    card(page, "w_calls").get_by_role("button", name="Menu: API calls").click()
    page.get_by_role("menuitem", name="Show details").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("window.former = document.querySelector('dbn-dashboard')")
    page.clock.fast_forward(50 * 60 * 1000)
    page.wait_for_function("document.querySelectorAll('dbn-dashboard').length === 1 && document.querySelector('dbn-dashboard') !== former")
    settled(page)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_two_customers_side_by_side_do_not_take_each_other_over(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    acme, globex = stage.session("acme"), stage.session("globex")
    body = "".join(f'<dbn-dashboard token="{session.token}" dashboard-id="{stage.dashboard}"></dbn-dashboard>' for session in (acme, globex))
    page, _ = stage.page(host=host)
    page.goto(host.serve(f"<main>{body}</main>", f'<script type="module" src="{stage.origin}/web-components/dbn-dashboard.js"></script>'))
    settled(page, 18)
    for index, session in enumerate((acme, globex)):
        assert kpi_number(page.locator("dbn-dashboard").nth(index), "w_calls") == session.value("w_calls", {"period": "30d"})


def opened(stage: Stage, host: HostPage, attributes: str = "", style: str = "", session: Any = None, **options: Any) -> Page:
    session = session or stage.session()
    head = f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script><style>{style}</style>'
    page, _ = stage.page(host=host, **options)
    page.goto(host.serve(f'<emban-dashboard token="{session.token}" {attributes}></emban-dashboard>', head))
    settled(page)
    return page


def computed(page: Page, selector: str, name: str) -> str:
    return page.locator(f"emban-dashboard {selector}").first.evaluate(f"element => getComputedStyle(element).{name}")


def test_every_attribute_is_live(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = opened(stage, host_page(), session=session)
    element = page.locator("emban-dashboard")
    element.evaluate("""e => e.setAttribute('filters', '{"period": "7d", "dimensions": {"model": "gpt-4"}}')""")
    shows(page, "w_calls", session.value("w_calls", {"period": "7d", "dimensions": {"model": ["gpt-4"]}}))
    assert element.evaluate("e => e.filters.dimensions.model") == ["gpt-4"]
    element.evaluate("e => e.setAttribute('mode', 'dark')")
    expect(element.locator(".root")).to_have_attribute("data-mode", "dark")
    element.evaluate("""e => e.setAttribute('theme', '{"cardBackground": "#102030"}')""")
    page.wait_for_function("getComputedStyle(document.querySelector('emban-dashboard').shadowRoot.querySelector('.card')).backgroundColor === 'rgb(16, 32, 48)'")
    element.evaluate("e => e.setAttribute('live', '')")
    expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    element.evaluate("e => e.setAttribute('live', 'off')")
    expect(page.get_by_role("button", name="Live", exact=True)).to_have_count(0)
    element.evaluate("e => e.setAttribute('theme', 'not json')")
    page.wait_for_timeout(100)
    settled(page)


def test_parts_and_custom_properties_style_it(stage: Stage, host_page: Hosts) -> None:
    style = """
      emban-dashboard { --emban-radius: 3px; --emban-gap: 7px; --emban-primary-color: #b00020; --emban-font-family: monospace; --emban-padding: 0; }
      emban-dashboard::part(card) { border-width: 4px; }
      emban-dashboard::part(card-kpi) { outline: 2px solid rgb(1, 2, 3); }
      emban-dashboard::part(title) { text-transform: uppercase; }
      emban-dashboard::part(filter-bar) { gap: 31px; }
      .night { --emban-card-background: #101418; --emban-text-color: #ffffff; }
    """
    page = opened(stage, host_page(), style=style)
    assert computed(page, "[data-widget=w_time]", "borderTopLeftRadius") == "3px"
    assert computed(page, "[data-widget=w_time]", "borderTopWidth") == "4px"
    assert computed(page, "[data-widget=w_calls]", "outlineColor") == "rgb(1, 2, 3)"
    assert computed(page, "[data-widget=w_time]", "outlineStyle") == "none"
    assert computed(page, ".grid", "columnGap") == "7px" and computed(page, ".root", "paddingTop") == "0px"
    assert computed(page, ".card-title", "textTransform") == "uppercase"
    assert computed(page, ".filters", "columnGap") == "31px"
    assert "monospace" in computed(page, ".kpi-value", "fontFamily")
    painted(page)
    strokes = card(page, "w_time").locator("svg path").evaluate_all("paths => paths.map((path) => path.getAttribute('stroke'))")
    assert "#b00020" in strokes, "charts have the page's colour, too"
    # Switched by a class of the page, as dark modes are.
    page.evaluate("document.documentElement.className = 'night'")
    page.wait_for_function("getComputedStyle(document.querySelector('emban-dashboard').shadowRoot.querySelector('.card')).backgroundColor === 'rgb(16, 20, 24)'")
    # What the page's script says wins over its style sheet.
    page.evaluate("document.querySelector('emban-dashboard').setTheme({cardBackground: '#fafafa', textColor: '#111111'})")
    page.wait_for_function("getComputedStyle(document.querySelector('emban-dashboard').shadowRoot.querySelector('.card')).backgroundColor === 'rgb(250, 250, 250)'")


def test_every_documented_part_is_there(stage: Stage, host_page: Hosts) -> None:
    page = opened(stage, host_page())
    parts = set(page.locator("emban-dashboard [part]").evaluate_all("elements => elements.flatMap((element) => [...element.part])"))
    card(page, "w_calls").get_by_role("button", name="Menu: API calls").click()
    parts |= set(page.locator("emban-dashboard [part]").evaluate_all("elements => elements.flatMap((element) => [...element.part])"))
    assert {"root", "header", "name", "filter-bar", "filter", "period", "popover", "chips", "grid", "card", "card-kpi", "card-timeseries", "card-header", "title", "card-body",
            "menu", "menu-item", "footer", "notice"} <= parts, parts


def test_without_permission_there_is_nothing_to_arrange_or_add(stage: Stage, host_page: Hosts) -> None:
    page = opened(stage, host_page())
    for name in ("Edit layout", "Add widget"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page = opened(stage, host_page(), session=stage.session(permissions={"allow_export": False, "allow_drill_down": False}))
    expect(page.get_by_role("button", name=re.compile("Menu"))).to_have_count(0)
