"""<emban-dashboard> and <emban-widget> on a host page of another origin."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embantest.browser import HostPage, card, kpi_number, settled, shoot, shows
from embantest.stage import Stage
from embantest.steady import eventually
from playwright.sync_api import Page, expect

Hosts = Callable[[], HostPage]

LOG = """
  window.log = [];
  for (const name of ['ready', 'drill', 'filter', 'error', 'token-expiring'])
    addEventListener('emban-' + name, (event) => log.push([name, event.detail]));
"""


def open_host(stage: Stage, host: HostPage, body: str, style: str = "", kind: str = "module", **options: Any) -> Page:
    head = f'<script>{LOG}</script><script type="{kind}" src="{stage.origin}/sdk/emban-dashboard.js"></script><style>{style}</style>'
    page, _ = stage.page(host=host, **options)
    page.goto(host.serve(body, head))
    settled(page)
    return page


def test_a_dashboard_without_an_iframe(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    for kind in ("module", "text/javascript"):
        page = open_host(
            stage, host_page(), f'<emban-dashboard token="{session.token}" dashboard-id="{stage.dashboard}"></emban-dashboard>', kind=kind)
        assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "30d"})
        assert page.locator("iframe").count() == 0
        page.wait_for_function("log.some(([name]) => name === 'ready')")
    shoot(page, "component")


def test_charts_are_drawn_for_the_width_that_they_have(stage: Stage, host_page: Hosts) -> None:
    """Cards that are narrow for a moment, as while the grid goes from twelve columns to one: the names beside the bars get their room back."""
    session = stage.session()
    page = open_host(stage, host_page(), f'<emban-dashboard token="{session.token}"></emban-dashboard>')
    names = {row["model"] for row in session.result("w_models", {"period": "30d"})["rows"]}
    root, texts = page.locator("emban-dashboard .root"), card(page, "w_models").locator(".plot svg text")
    for width in (360, 1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        expect(root).to_have_attribute("data-size", "wide" if width > 1000 else "narrow")
        eventually(lambda: set(texts.all_text_contents()), lambda shown: names <= shown, f"{names} at {width} pixels")


def test_the_host_pages_styles_stay_outside(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    hostile = "* { color: red !important } div, section, table, td { display: none } h3 { font-size: 90px }"
    body = f'<main-page><emban-dashboard token="{session.token}"></emban-dashboard></main-page>'
    page = open_host(stage, host_page(), body, style=hostile)
    expect(card(page, "w_calls")).to_be_visible()
    assert card(page, "w_calls").locator("h3").evaluate("e => getComputedStyle(e).fontSize") != "90px"
    assert page.locator("emban-dashboard .kpi-value").first.evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    assert page.evaluate("document.querySelectorAll('style').length") == 1, "the component adds no style to the host page"


def test_a_new_token_is_adopted_without_losing_the_filters(stage: Stage, host_page: Hosts) -> None:
    acme, again, globex = stage.session("acme"), stage.session("acme"), stage.session("globex")
    page = open_host(stage, host_page(), f'<emban-dashboard token="{acme.token}"></emban-dashboard>')
    page.get_by_role("radio", name="7 days").click()
    settled(page)
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{acme.session_id}").status == 204
    page.locator("emban-dashboard").evaluate(f"e => e.setAttribute('token', {again.token!r})")
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    shows(page, "w_calls", again.value("w_calls", {"period": "7d"}))
    # Another customer starts afresh: nothing of the former one stays on the screen.
    page.locator("emban-dashboard").evaluate(f"e => e.setAttribute('token', {globex.token!r})")
    expected = int(globex.value("w_calls", {"period": "30d"}))
    expect(card(page, "w_calls").locator(".kpi-value")).to_have_text(re.compile(f"^{expected:,}$"))
    expect(page.get_by_role("radio", name="30 days")).to_be_checked()


def test_a_former_customers_data_leaves_the_screen_before_the_next_ones_is_there(stage: Stage, host_page: Hosts) -> None:
    """Signed out, and signed in as somebody else: no moment may show one customer's numbers to the other, however slow the network is."""
    globex = stage.session("globex")
    page = open_host(stage, host_page(), f'<emban-dashboard token="{stage.session("acme").token}"></emban-dashboard>')
    page.get_by_role("button", name="Model", exact=True).click()
    for token in (globex.token, None):
        # Within one task of the browser, so that no answer can have come.
        left = page.locator("emban-dashboard").evaluate(
            """(element, token) => {
              if (token === null) element.removeAttribute('token');
              else element.setAttribute('token', token);
              const { shadowRoot } = element;
              return [shadowRoot.querySelectorAll('[data-widget], .filter, .name').length, element.filters, shadowRoot.textContent.includes('alls')];
            }""", token)
        assert left == [0, None, False]
        if token is not None:
            settled(page)
            assert kpi_number(page, "w_calls") == globex.value("w_calls", {"period": "30d"})
    page.wait_for_timeout(300)
    assert page.locator("[data-widget]").count() == 0


def test_a_function_that_was_set_before_the_script_was_there_is_used(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    host = host_page()
    page, _ = stage.page(host=host)
    for name, parent in (("emban-dashboard", "sdk/emban-dashboard.js"), ("dbn-dashboard", "web-components/dbn-dashboard.js")):
        page.goto(host.serve(
            f"<{name}></{name}><script>document.querySelector('{name}').fetchToken = async () => {session.token!r}</script>"
            f'<script type="module" src="{stage.origin}/{parent}"></script>'))
        settled(page)
        assert kpi_number(page, "w_calls") == session.value("w_calls", {"period": "30d"})


def test_one_widget_alone(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = open_host(
        stage, host_page(), f'<emban-widget token="{session.token}" widget-id="w_table" style="width: 600px"></emban-widget>')
    assert page.locator("[data-widget]").count() == 1
    expect(card(page, "w_table").get_by_role("columnheader", name="Endpoint")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)


def test_events_bubble_to_the_host(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = open_host(stage, host_page(), f'<emban-dashboard token="{session.token}"></emban-dashboard>')
    card(page, "w_list").get_by_role("button", name="/v1/chat").click()
    page.wait_for_function("log.some(([name]) => name === 'drill') && log.some(([name]) => name === 'filter')")
    drill = page.evaluate("log.find(([name]) => name === 'drill')[1]")
    assert (drill["dimension"], drill["value"], drill["widgetId"]) == ("endpoint", "/v1/chat", "w_list")


def test_a_wrong_token_is_an_event_and_a_sentence(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    page, watch = stage.page(host=host)
    watch.expected = re.compile("401")
    head = f'<script>{LOG}</script><script type="module" src="{stage.origin}/sdk/emban-dashboard.js"></script>'
    page.goto(host.serve('<emban-dashboard token="a.b.c"></emban-dashboard>', head))
    page.wait_for_function("log.some(([name]) => name === 'error')")
    assert page.evaluate("log.find(([name]) => name === 'error')[1].code") == "token_invalid"
    expect(page.get_by_role("alert").first).to_be_visible()


def test_two_dashboards_and_a_removal(stage: Stage, host_page: Hosts) -> None:
    acme, globex = stage.session("acme"), stage.session("globex")
    body = "".join(f'<emban-dashboard id="{name}" token="{session.token}"></emban-dashboard>' for name,
        session in (("a", acme), ("b", globex)))
    page = open_host(stage, host_page(), body)
    settled(page, 18)
    assert kpi_number(page.locator("#a"), "w_calls") == acme.value("w_calls", {"period": "30d"})
    assert kpi_number(page.locator("#b"), "w_calls") == globex.value("w_calls", {"period": "30d"})
    page.locator("#a").get_by_role("radio", name="7 days").click()
    page.wait_for_timeout(300)
    settled(page)
    expect(page.locator("#b").get_by_role("radio", name="30 days")).to_be_checked()
    page.locator("#a").evaluate("e => e.remove()")
    page.wait_for_timeout(200)
    assert page.locator("[data-widget]").count() == 9
    page.evaluate(f"document.body.insertAdjacentHTML('afterbegin', '<emban-dashboard id=\"a\" token=\"{acme.token}\"></emban-dashboard>')")
    settled(page, 18)


def test_a_dark_host_makes_an_automatic_theme_dark(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = open_host(
        stage, host_page(), f'<emban-dashboard token="{session.token}" mode="dark"></emban-dashboard>', style="body { background: #111 }")
    assert page.locator("emban-dashboard").evaluate("e => e.shadowRoot.querySelector('.root').dataset.mode") == "dark"
    shoot(page, "component-dark")
