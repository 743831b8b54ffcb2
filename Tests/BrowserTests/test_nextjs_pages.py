"""examples/nextjs in the browser: its components on its own origin, with sessions from its own route handlers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from embantest.browser import card, kpi_number, settled
from embantest.nextjs import running, settings
from embantest.stage import Stage
from playwright.sync_api import Page, expect


@pytest.fixture
def product(stage: Stage, tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, settings(stage.origin, stage.organization.key, stage.dashboard)) as url:
        yield url


def signed_in(stage: Stage, url: str, tenant: str) -> Page:
    page, watch = stage.page()
    watch.origins.add(url)
    answer = page.context.request.post(f"{url}/api/sign-in", form={"tenant": tenant}, max_redirects=0)
    assert answer.status == 303
    return page


def test_the_dashboard_of_the_customer_who_is_signed_in(stage: Stage, product: str) -> None:
    for tenant in ("acme", "globex"):
        page = signed_in(stage, product, tenant)
        page.goto(product)
        handle = page.locator("iframe").element_handle()
        frame = handle.content_frame() if handle else None
        assert frame is not None
        settled(frame)
        assert kpi_number(frame, "w_calls") == stage.session(tenant).value("w_calls", {"period": "30d"})
        card(frame, "w_list").get_by_role("button", name="/v1/chat").click()
        expect(page.get_by_role("status")).to_have_text("endpoint: /v1/chat")


def test_single_charts_in_the_products_own_layout(stage: Stage, product: str) -> None:
    session = stage.session("acme")
    page = signed_in(stage, product, "acme")
    page.goto(f"{product}/charts")
    settled(page, 2)
    expect(page.get_by_role("heading", level=2, name=f"{int(session.value('w_calls', {'period': '30d'}))} calls")).to_be_visible()
    page.get_by_role("button", name="7d", exact=True).click()
    expect(page.get_by_role("heading", level=2, name=f"{int(session.value('w_calls', {'period': '7d'}))} calls")).to_be_visible()
    settled(page, 2)
    assert page.locator("iframe").count() == 0
