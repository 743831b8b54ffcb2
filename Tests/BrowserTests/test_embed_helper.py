"""emban-embed.js on a host page of another origin: events, commands, heights, several embeds at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embantest.browser import HostPage, kpi_number, settled, shoot, shows
from embantest.stage import FILTERS, WIDGETS, Stage
from embantest.steady import eventually
from embantest.workspace import Session
from playwright.sync_api import Frame, Page, Route, expect

Hosts = Callable[[], HostPage]

SCRIPT = """
  window.log = {};
  window.embeds = {};
  function embed(name, url, more = {}) {
    log[name] = [];
    const handle = Emban.create({container: '#' + name, embedUrl: url, ...more});
    for (const event of ['ready', 'resize', 'drill', 'filter', 'period-change', 'error'])
      handle.on(event, (detail) => log[name].push([event, detail]));
    embeds[name] = handle;
  }
"""


def host_with(stage: Stage, host: HostPage, embeds: dict[str, Session], more: str = "{}", **options: Any) -> Page:
    calls = "".join(f"embed({name!r}, {session.embed_url!r}, {more});" for name, session in embeds.items())
    body = "".join(f'<div id="{name}"></div>' for name in embeds)
    url = host.serve(f'{body}<script src="{stage.origin}/sdk/emban-embed.js"></script><script>{SCRIPT}{calls}</script>')
    page, _ = stage.page(host=host, **options)
    page.goto(url)
    for name in embeds:
        settled(frame(page, name))
    return page


def frame(page: Page, name: str) -> Frame:
    handle = page.locator(f"#{name} iframe").element_handle()
    content = handle.content_frame() if handle else None
    assert content is not None
    return content


def events(page: Page, name: str, kind: str) -> list[Any]:
    return page.evaluate(f"log[{name!r}].filter(([kind]) => kind === {kind!r}).map(([, detail]) => detail)")


def wait_for_event(page: Page, name: str, kind: str, count: int = 1) -> list[Any]:
    page.wait_for_function(f"log[{name!r}].filter(([kind]) => kind === {kind!r}).length >= {count}")
    return events(page, name, kind)


def height(page: Page, name: str) -> float:
    return page.locator(f"#{name} iframe").evaluate("frame => frame.getBoundingClientRect().height")


def content_height(page: Page, name: str) -> float:
    return frame(page, name).evaluate("document.querySelector('emban-dashboard').getBoundingClientRect().height")


def test_ready_comes_once_and_the_frame_is_as_high_as_its_content(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = host_with(stage, host_page(), {"one": session})
    assert len(wait_for_event(page, "one", "ready")) == 1
    assert events(page, "one", "error") == []
    page.wait_for_function("document.querySelector('#one iframe').getBoundingClientRect().height > 600")
    assert abs(height(page, "one") - content_height(page, "one")) <= 2
    assert kpi_number(frame(page, "one"), "w_calls") == session.value("w_calls", {"period": "30d"})
    assert session.token not in page.evaluate("document.querySelector('#one iframe').contentWindow.length + document.title")
    assert frame(page, "one").url == f"{stage.origin}/embed/{stage.dashboard}"
    shoot(page, "helper")


def test_the_height_grows_and_shrinks(stage: Stage, host_page: Hosts) -> None:
    page = host_with(stage, host_page(), {"one": stage.session()})
    # Said after the last height.
    wait_for_event(page, "one", "ready")
    wide = height(page, "one")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function(f"document.querySelector('#one iframe').getBoundingClientRect().height > {wide + 200}")
    narrow = height(page, "one")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function(f"document.querySelector('#one iframe').getBoundingClientRect().height < {narrow - 200}")
    page.wait_for_function(f"Math.abs(document.querySelector('#one iframe').getBoundingClientRect().height - {wide}) <= 2")
    heights = [detail["height"] for detail in events(page, "one", "resize")]
    assert max(heights) >= narrow - 2 and heights[-1] <= wide + 2
    assert len(heights) < 60, "no loop of growing"
    before = len(heights)
    page.wait_for_timeout(700)
    assert len(events(page, "one", "resize")) == before, "a dashboard at rest reports nothing"


def test_set_filters(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = host_with(stage, host_page(), {"one": session})
    wait_for_event(page, "one", "ready")
    place = frame(page, "one")
    page.evaluate("embeds.one.setFilters({period: '7d', dimensions: {model: 'gpt-4'}})")
    expect(place.get_by_role("radio", name="7 days")).to_be_checked()
    expected = session.value("w_calls", {"period": "7d", "dimensions": {"model": ["gpt-4"]}})
    shows(place, "w_calls", expected)
    page.evaluate("embeds.one.setFilters({dimensions: null})")
    shows(place, "w_calls", session.value("w_calls", {"period": "7d"}))
    stage.watched[-1][0].expected = re.compile("40[03]|422")
    for nonsense in ("5", "'x'", "{period: '5d'}", "{dimensions: 7}", "{dimensions: {no_such: 'x'}}", "null", "{unknown: 1}"):
        page.evaluate(f"embeds.one.setFilters({nonsense})")
    page.wait_for_timeout(400)
    assert place.locator("[data-widget]").count() == 9, "nonsense from the host does not take the dashboard down"
    page.evaluate("embeds.one.setFilters({period: '30d', dimensions: {}})")
    shows(place, "w_calls", session.value("w_calls", {"period": "30d"}))


def test_the_customers_own_choices_are_reported(stage: Stage, host_page: Hosts) -> None:
    page = host_with(stage, host_page(), {"one": stage.session()})
    wait_for_event(page, "one", "ready")
    place = frame(page, "one")
    place.get_by_role("radio", name="7 days").click()
    assert wait_for_event(page, "one", "period-change")[-1]["period"] == "7d"
    place.locator('[data-widget="w_list"]').get_by_role("button", name="/v1/chat").click()
    drill = wait_for_event(page, "one", "drill")[-1]
    assert (drill["dimension"], drill["value"], drill["widgetId"]) == ("endpoint", "/v1/chat", "w_list")
    filters = wait_for_event(page, "one", "filter", 2)[-1]["filters"]
    assert filters["dimensions"]["endpoint"] in (["/v1/chat"], "/v1/chat")


def test_set_theme_and_reload(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = host_with(stage, host_page(), {"one": session})
    wait_for_event(page, "one", "ready")
    place = frame(page, "one")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    before = place.evaluate(ground)
    page.evaluate("embeds.one.setTheme({mode: 'dark', primaryColor: '#0f9d58'})")
    place.wait_for_function(f"{ground} !== {before!r}")
    shoot(page, "helper-dark")
    page.evaluate("embeds.one.setTheme({mode: 'light', backgroundColor: '#fff7e6'})")
    place.wait_for_function(f"{ground} === 'rgb(255, 247, 230)'")
    value = kpi_number(place, "w_calls")
    stage.organization.ingest([{"tenant_id": "acme", "event_name": "api.call", "string_props": {"model": "claude", "endpoint": "/v1/chat",
                                "status": "success"}, "numeric_props": {"tokens": 1, "latency_ms": 100}}])
    page.evaluate("embeds.one.reload()")
    place.wait_for_function(f"""() => document.querySelector('emban-dashboard').shadowRoot
      .querySelector('[data-widget=w_calls] .kpi-value').textContent.replace(/,/g, '') === '{int(value) + 1}'""")
    assert place.evaluate(ground) == "rgb(255, 247, 230)", "a reload keeps the theme"


def test_options_at_creation(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    more = "{theme: {mode: 'dark'}, filters: {period: '7d', dimensions: {model: ['claude']}}}"
    page = host_with(stage, host_page(), {"one": session}, more)
    wait_for_event(page, "one", "ready")
    place = frame(page, "one")
    assert kpi_number(place, "w_calls") == session.value("w_calls", {"period": "7d", "dimensions": {"model": ["claude"]}})


def test_two_embeds_do_not_disturb_each_other(stage: Stage, host_page: Hosts) -> None:
    acme, globex = stage.session("acme"), stage.session("globex")
    page = host_with(stage, host_page(), {"one": acme, "two": globex})
    wait_for_event(page, "one", "ready"), wait_for_event(page, "two", "ready")
    page.evaluate("embeds.one.setFilters({period: '7d'})")
    expect(frame(page, "one").get_by_role("radio", name="7 days")).to_be_checked()
    shows(frame(page, "one"), "w_calls", acme.value("w_calls", {"period": "7d"}))
    assert kpi_number(frame(page, "two"), "w_calls") == globex.value("w_calls", {"period": "30d"})
    expect(frame(page, "two").get_by_role("radio", name="30 days")).to_be_checked()
    assert events(page, "two", "period-change") == [] and events(page, "two", "filter") == []
    page.evaluate("embeds.one.destroy()")
    expect(page.locator("#one iframe")).to_have_count(0)
    frame(page, "two").get_by_role("radio", name="90 days").click()
    assert wait_for_event(page, "two", "period-change")[-1]["period"] == "90d"


def test_the_session_is_swapped_in_place(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(), stage.session()
    page = host_with(stage, host_page(), {"one": first})
    wait_for_event(page, "one", "ready")
    page.evaluate("embeds.one.setFilters({period: '7d'})")
    expect(frame(page, "one").get_by_role("radio", name="7 days")).to_be_checked()
    with page.expect_response(lambda response: "/v1/embed/query" in response.url and second.token in (response.request.headers.get("authorization") or "")):
        page.evaluate(f"embeds.one.setEmbedUrl({second.embed_url!r})")
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    frame(page, "one").get_by_role("radio", name="90 days").click()
    shows(frame(page, "one"), "w_calls", second.value("w_calls", {"period": "90d"}))
    assert events(page, "one", "error") == []


def test_what_the_page_says_that_is_leaving_is_not_taken_for_the_next_ones(stage: Stage, host_page: Hosts) -> None:
    second = stage.organization.create_dashboard(WIDGETS[:2], name="Second", publish=True)
    other = stage.organization.session("globex", second["id"])
    page = host_with(stage, host_page(), {"one": stage.session()})
    wait_for_event(page, "one", "ready")
    frame(page, "one").get_by_role("radio", name="7 days").click()
    wait_for_event(page, "one", "filter")
    held: list[Route] = []
    page.route(f"**/embed/{second['id']}*", lambda route: held.append(route))
    late = "setInterval(() => parent.postMessage({_emban: true, type: 'error', code: 'late', message: ''}, '*'), 10)"
    frame(page, "one").evaluate(late)
    wait_for_event(page, "one", "error")
    page.evaluate("""url => {
      embeds.one.setEmbedUrl(url);
      window.from = log.one.length;
      window.heard = 0;
      addEventListener('message', ({data}) => { heard += data.code === 'late' ? 1 : 0; });
    }""", other.embed_url)
    page.wait_for_function("heard >= 3")
    eventually(lambda: page.wait_for_timeout(20) or held, what="the next page is asked for")
    held[0].continue_()
    wait_for_event(page, "one", "ready", 2)
    assert page.evaluate("log.one.slice(from).map(([kind]) => kind).filter((kind) => kind === 'error' || kind === 'filter')") == []
    # Nor has the next customer what the former one chose.
    expect(frame(page, "one").locator("[data-widget]")).to_have_count(2)
    assert kpi_number(frame(page, "one"), "w_calls") == other.value("w_calls", {})


def test_a_new_session_is_fetched_when_the_old_one_ends(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(), stage.session()
    more = f"{{fetchEmbedUrl: async () => {{ window.fetched = (window.fetched ?? 0) + 1; return {second.embed_url!r}; }}}}"
    page = host_with(stage, host_page(), {"one": first}, more)
    stage.watched[-1][0].expected = re.compile("401")
    wait_for_event(page, "one", "ready")
    assert page.evaluate("window.fetched") is None
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    frame(page, "one").get_by_role("radio", name="7 days").click()
    page.wait_for_function("window.fetched >= 1")
    expect(frame(page, "one").get_by_role("radio", name="7 days")).to_be_checked()
    shows(frame(page, "one"), "w_calls", second.value("w_calls", {"period": "7d"}))
    assert page.evaluate("window.fetched") == 1


def test_refused_sessions_are_asked_for_less_and_less(stage: Stage, host_page: Hosts) -> None:
    first, sessions = stage.session(), [stage.session() for _ in range(2)]
    for session in sessions:
        assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    urls = [session.embed_url for session in sessions]
    # The second is given again and again, as by a back end that keeps what it once got.
    more = f"{{fetchEmbedUrl: () => {{ window.fetched = (window.fetched ?? 0) + 1; return {urls}[Math.min(window.fetched, 2) - 1]; }}}}"
    page = host_with(stage, host_page(), {"one": first}, more)
    stage.watched[-1][0].expected = re.compile("401")
    wait_for_event(page, "one", "ready")
    page.evaluate("""() => {
      const real = window.setTimeout;
      window.waits = [];
      // Waits are up to a quarter longer.
      Math.random = () => 0;
      window.setTimeout = (action, wait) => { waits.push(wait); return real(action, wait / 20); };
    }""")
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    page.wait_for_function("log.one.some(([kind, detail]) => kind === 'error' && detail.code === 'session_refused')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.fetched") == 4
    assert [wait for wait in page.evaluate("waits") if wait in (1000, 5000, 30_000)] == [1000, 5000, 30_000]
    assert [detail["code"] for detail in events(page, "one", "error")].count("session_refused") == 1
    # The host's own session starts anew.
    page.evaluate(f"embeds.one.setEmbedUrl({stage.session().embed_url!r})")
    settled(frame(page, "one"))


def test_filters_that_the_dashboard_lacks_are_left_out(stage: Stage, host_page: Hosts) -> None:
    dashboard = stage.organization.create_dashboard(WIDGETS[:1], filters=FILTERS[:1], publish=True)["id"]
    session = stage.organization.session("acme", dashboard)
    wanted = "{period: '7d', dimensions: {model: 'gpt-4'}}"
    for more in ("{}", f"{{filters: {wanted}}}"):
        page = host_with(stage, host_page(), {"one": session}, more)
        wait_for_event(page, "one", "ready")
        if more == "{}":
            page.evaluate(f"embeds.one.setFilters({wanted})")
        expect(frame(page, "one").get_by_role("radio", name="7 days")).to_be_checked()
        shows(frame(page, "one"), "w_calls", session.value("w_calls", {"period": "7d"}))
        assert [detail["code"] for detail in events(page, "one", "error")] == ["dimension_not_allowed"]


def test_messages_from_strangers_are_ignored(stage: Stage, host_page: Hosts) -> None:
    session = stage.session()
    page = host_with(stage, host_page(), {"one": session})
    wait_for_event(page, "one", "ready")
    page.evaluate("""() => {
      const frame = document.createElement('iframe');
      frame.srcdoc = `<script>
        parent.frames[0].postMessage({_emban: true, type: 'setFilters', filters: {period: '24h'}}, '*');
        parent.postMessage({_emban: true, type: 'resize', height: 5}, '*');
        parent.postMessage({_emban: true, type: 'error', code: 'x', message: 'forged'}, '*');
      </` + `script>`;
      document.body.append(frame);
    }""")
    page.evaluate("window.postMessage({_emban: true, type: 'resize', height: 7}, '*')")
    page.wait_for_timeout(400)
    expect(frame(page, "one").get_by_role("radio", name="30 days")).to_be_checked()
    assert height(page, "one") > 100 and events(page, "one", "error") == []


def test_only_allowed_origins_may_frame(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    session = stage.session(allowed_origins=["https://app.example.com"])
    url = host.serve(f'<iframe id="one" src="{session.embed_url}" width="800" height="600"></iframe>')
    page, watch = stage.page(host=host)
    watch.expected = re.compile("frame-ancestors|ERR_BLOCKED_BY_RESPONSE|policy|refused|chrome-error", re.I)
    page.goto(url)
    page.wait_for_timeout(500)
    assert not page.frames[1].locator("[data-widget]").count()
    assert not [line for line in watch.requests if "/v1/embed/" in line]


def test_a_plain_iframe_is_enough(stage: Stage, host_page: Hosts) -> None:
    host, session = host_page(), stage.session()
    url = host.serve(f'<iframe id="one" src="{session.embed_url}" width="100%" height="600" style="border: none"></iframe>')
    page, _ = stage.page(host=host)
    page.goto(url)
    settled(page.frames[1])
    assert kpi_number(page.frames[1], "w_calls") == session.value("w_calls", {"period": "30d"})
