"""`/docs`: the description of the API, to be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from embantest.browser import Watch, open_context, shoot
from embantest.process import EmbanProcess
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, emban: EmbanProcess, browser: Browser) -> Iterator[Page]:
    context = open_context(browser, color_scheme=request.param)
    watch = Watch({emban.url})
    opened = context.new_page()
    watch.follow(opened)
    opened.goto(f"{emban.url}/docs")
    opened.locator("article").first.wait_for()
    yield opened
    context.close()
    watch.check()


def test_every_route_is_shown_and_can_be_found(emban: EmbanProcess, page: Page) -> None:
    document = emban.client.get("/openapi.json").expect(200)
    number = sum(method in item for item in document["paths"].values() for method in ("get", "post", "put", "patch", "delete"))
    assert page.locator("article").count() == number == page.locator("nav a").count()
    shoot(page, f"reference-{page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches ? `dark` : `light`')}", full=False)
    article = page.locator("article#createEmbedSession")
    expect(article).to_contain_text("/v1/embed-sessions")
    expect(article).to_contain_text("Admin key")
    expect(article.locator("pre")).to_contain_text('"tenant_id": "acme"')
    page.get_by_label("Find a route").fill("post embed-sessions")
    expect(page.locator("article:visible")).to_have_count(1)
    expect(page.locator("nav a:visible")).to_have_count(1)


def test_it_is_used_with_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Find a route")).to_be_focused()
    page.keyboard.type("drill")
    expect(page.locator("article:visible")).to_have_count(1)
    details = page.locator("article:visible summary").first
    details.focus()
    page.keyboard.press("Enter")
    expect(page.locator("article:visible details[open]").first).to_be_visible()


def test_an_address_leads_to_its_route(emban: EmbanProcess, browser: Browser) -> None:
    context = open_context(browser, viewport={"width": 360, "height": 700})
    page = context.new_page()
    page.goto(f"{emban.url}/docs#ingest")
    expect(page.locator("article#ingest h3")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways on a phone"
    context.close()
