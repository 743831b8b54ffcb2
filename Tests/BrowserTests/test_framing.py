"""Who may frame a dashboard when the token stands behind the #, and what the host page hears when it may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embantest.browser import HostPage
from embantest.stage import Stage
from playwright.sync_api import Page

Hosts = Callable[[], HostPage]


def embedded(stage: Stage, host: HostPage, url: str) -> Page:
    script = f"""window.heard = []; window.embed = Emban.create({{container: '#one', embedUrl: {url!r}}});
      for (const name of ['ready', 'error']) embed.on(name, (detail) => heard.push([name, detail]));"""
    page, watch = stage.page(host=host)
    page.clock.install()
    watch.expected = re.compile("frame-ancestors|ERR_BLOCKED_BY_RESPONSE|policy|refused|chrome-error|does not match the recipient", re.I)
    page.goto(host.serve(f'<div id="one"></div><script src="{stage.origin}/sdk/emban-embed.js"></script><script>{script}</script>'))
    return page


def heard(page: Page) -> list[Any]:
    page.wait_for_function("() => heard.length > 0")
    return page.evaluate("heard")


def test_the_helper_names_the_session_and_nothing_secret(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    session = stage.session(allowed_origins=[host.url])
    page = embedded(stage, host, session.embed_url)
    assert [name for name, _ in heard(page)] == ["ready"]
    frame = page.locator("iframe").get_attribute("src") or ""
    assert f"?session={session.session_id}#" in frame
    requests = [line for line in stage.watched[-1][0].requests if "/embed/" in line]
    assert any(line.endswith(f"?session={session.session_id}") for line in requests), requests
    assert not [line for line in requests if session.token in line.split("#")[0]]
    assert page.frames[1].url == f"{stage.origin}/embed/{stage.dashboard}", "and the address is clean afterwards"
    # Both waits would be over.
    page.clock.fast_forward(31_000)
    assert [name for name, _ in page.evaluate("heard")] == ["ready"], "no alarm once it has spoken"


def test_a_stranger_is_refused_and_told_so(stage: Stage, host_page: Hosts) -> None:
    host = host_page()
    page = embedded(stage, host, stage.session(allowed_origins=["https://a.example"]).embed_url)
    [(name, detail)] = heard(page)
    assert (name, detail["code"]) == ("error", "embed_blocked")
    assert "allowed_origins" in detail["message"] and host.url in detail["message"]
    assert not [line for line in stage.watched[-1][0].requests if "/v1/embed/" in line], "no data was asked for"
    # Another session, which names this host, heals the same embed.
    page.evaluate("(url) => embed.setEmbedUrl(url)", stage.session(allowed_origins=[host.url]).embed_url)
    page.wait_for_function("() => heard.some(([name]) => name === 'ready')")
