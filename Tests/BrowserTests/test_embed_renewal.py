"""Sessions that end under an open page: renewed by the server's clock, after sleep and without a network, and withdrawn ones noticed at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from embantest.browser import HostPage, Watch, settled, shows
from embantest.stage import Stage
from embantest.workspace import Session
from playwright.sync_api import Frame, Page, expect

Hosts = Callable[[], HostPage]

#: A host product: its back end answers /session with the embed URL of the moment.
HELPER = """
  window.log = [];
  window.fetched = 0;
  window.handle = Emban.create({
    container: '#analytics', live: LIVE, embedUrl: FIRST,
    fetchEmbedUrl: FETCHES ? async () => { fetched += 1; return (await fetch('/session')).text(); } : undefined,
  });
  for (const event of ['ready', 'filter', 'error', 'token-expiring']) handle.on(event, (detail) => log.push([event, detail]));
"""


def opened(
    stage: Stage, host: HostPage, first: Session, second: Session, *, skew: float | None = None, live: bool = False, fetches: bool = True,
) -> tuple[Page, Frame, Watch]:
    """A page that shows `first`, whose back end has `second` to give; the browser's clock is `skew` seconds off, and can be turned."""
    host.pages["/session"] = second.embed_url
    script = HELPER.replace("FIRST", repr(first.embed_url)).replace("LIVE", "true" if live else "false").replace("FETCHES", "true" if fetches else "false")
    url = host.serve(f'<div id="analytics"></div><script src="{stage.origin}/sdk/emban-embed.js"></script><script>{script}</script>')
    page, watch = stage.page(host=host)
    if skew is not None:
        page.clock.install(time=datetime.now(timezone.utc) + timedelta(seconds=skew))
    page.goto(url)
    page.wait_for_function("log.some(([kind]) => kind === 'ready')")
    handle = page.locator("#analytics iframe").element_handle()
    frame = handle.content_frame() if handle else None
    assert frame is not None
    settled(frame)
    return page, frame, watch


def errors(page: Page) -> list[str]:
    return page.evaluate("log.filter(([kind]) => kind === 'error').map(([, detail]) => detail.code)")


def choose_a_week(frame: Frame) -> None:
    frame.get_by_role("radio", name="7 days").click()
    settled(frame)


def still_a_week(frame: Frame, session: Session) -> None:
    expect(frame.get_by_role("radio", name="7 days")).to_be_checked()
    shows(frame, "w_calls", session.value("w_calls", {"period": "7d"}))


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_a_session_is_renewed_before_its_end_whatever_the_clock_says(stage: Stage, host_page: Hosts, skew: int) -> None:
    # Half an hour: told a minute before its end. By a clock that is five minutes off that would be too early, or too late.
    first, second = stage.session(expires_in=1800), stage.session()
    page, frame, _ = opened(stage, host_page(), first, second, skew=skew)
    choose_a_week(frame)
    page.clock.fast_forward(27 * 60 * 1000)
    page.wait_for_timeout(300)
    assert page.evaluate("fetched") == 0
    with page.expect_response(lambda response: "/v1/embed/dashboard" in response.url and second.token in (response.request.headers.get("authorization") or "")):
        page.clock.fast_forward(2 * 60 * 1000 + 30_000)
    page.wait_for_function("fetched === 1")
    settled(frame)
    still_a_week(frame, second)
    assert errors(page) == []
    assert page.evaluate("log.filter(([kind]) => kind === 'token-expiring').length") == 1


def test_a_laptop_that_slept_goes_on_where_it_was(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(expires_in=1800), stage.session()
    page, frame, watch = opened(stage, host_page(), first, second, skew=0)
    watch.expected = re.compile("401")
    choose_a_week(frame)
    # While it sleeps the session ends; no timer runs, and then all that were due run once.
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    page.clock.fast_forward(8 * 3600 * 1000)
    # Once for the withdrawal, and once more where that was heard before the clock was turned: eight hours are the end of the second one, too.
    page.wait_for_function("fetched >= 1")
    settled(frame)
    still_a_week(frame, second)
    assert frame.get_by_role("alert").filter(has_text=re.compile("session", re.I)).count() == 0


def test_offline_when_the_session_ends(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(expires_in=1800), stage.session()
    page, frame, watch = opened(stage, host_page(), first, second, skew=0)
    watch.expected = re.compile("ERR_INTERNET_DISCONNECTED|401|Failed to load resource")
    choose_a_week(frame)
    page.context.set_offline(True)
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    page.clock.fast_forward(31 * 60 * 1000)
    page.wait_for_function("fetched >= 1")
    for minute in range(6):
        page.clock.fast_forward(61_000)
        page.wait_for_timeout(100)
    attempts = page.evaluate("fetched")
    assert 2 <= attempts <= 8, "repeated, but not in a storm"
    assert errors(page).count("embed_url_failed") <= 1
    page.context.set_offline(False)
    page.wait_for_function(f"fetched > {attempts}")
    settled(frame)
    still_a_week(frame, second)
    assert page.evaluate("fetched") == attempts + 1
    assert len(errors(page)) <= 2


def test_a_session_that_is_withdrawn_is_noticed_at_once_and_another_one_goes_on(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(), stage.session()
    page, frame, watch = opened(stage, host_page(), first, second, live=True, fetches=False)
    watch.expected = re.compile("401")
    expect(frame.get_by_role("button", name="Live", exact=True)).to_be_visible()
    choose_a_week(frame)
    page.evaluate("""handle.on('error', () => { window.heardAt ??= Date.now(); })""")
    begin = time.time() * 1000
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    page.wait_for_function("log.some(([kind, detail]) => kind === 'error' && detail.code === 'session_revoked')")
    # Within a second where nothing else keeps the machine busy; here only that nobody had to ask.
    assert page.evaluate("heardAt") - begin < 10_000
    expect(frame.get_by_role("alert")).to_contain_text("Session ended")
    assert frame.locator("[data-widget]").count() == 0, "nothing of the data stays"
    page.evaluate(f"handle.setEmbedUrl({second.embed_url!r})")
    settled(frame)
    still_a_week(frame, second)
    assert errors(page) == ["session_revoked"]


def test_an_element_asks_for_its_own_token(stage: Stage, host_page: Hosts) -> None:
    first, second = stage.session(expires_in=1800), stage.session()
    host = host_page()
    host.pages["/token"] = second.token
    url = host.serve(
        "<div id=analytics></div>",
        f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script><script>window.log = []; window.fetched = 0;'
        "for (const name of ['ready', 'error', 'token-expiring']) addEventListener('emban-' + name, (event) => log.push([name, event.detail]));</script>")
    page, _ = stage.page(host=host)
    page.clock.install(time=datetime.now(timezone.utc) - timedelta(minutes=5))
    page.goto(url)
    page.evaluate(f"""() => {{
      const element = document.createElement('emban-dashboard');
      element.setAttribute('token', {first.token!r});
      element.fetchToken = async () => {{ fetched += 1; return (await fetch('/token')).text(); }};
      document.querySelector('#analytics').append(element);
    }}""")
    settled(page)
    page.get_by_role("radio", name="7 days").click()
    settled(page)
    assert page.evaluate("fetched") == 0
    page.clock.fast_forward(29 * 60 * 1000 + 30_000)
    page.wait_for_function(f"document.querySelector('emban-dashboard').getAttribute('token') === {second.token!r}")
    settled(page)
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    shows(page, "w_calls", second.value("w_calls", {"period": "7d"}))
    assert page.evaluate("log.map(([name]) => name).filter((name) => name !== 'ready')") == ["token-expiring"]
