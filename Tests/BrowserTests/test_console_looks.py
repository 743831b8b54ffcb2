"""How the pages of the console look: in both modes, from wide to narrow, with much and with nothing."""

from __future__ import annotations

import re

import pytest
from embantest.accessible import poor_contrast, violations
from embantest.browser import painted, shoot
from embantest.console import Console, Furnished, calm, fits, go
from embantest.workspace import Organization
from playwright.sync_api import Page, expect

PAGES = {
    "home": "", "events": "/events", "live": "/events?tab=live", "dashboards": "/dashboards", "keys": "/keys", "sessions": "/sessions", "customers": "/customers",
    "members": "/members", "audit": "/audit", "usage": "/usage", "settings": "/settings", "account": "/account", "querybuilder": "/querybuilder",
}
GATES = {"login": "/login", "register": "/register", "forgot": "/forgot", "reset": "/reset#token=none", "invite": "/invite#token=none"}


def look_at(page: Page, name: str, mode: str) -> None:
    """No rule of accessibility broken, every text legible, nothing wider than the window; from wide to narrow."""
    for width in (1440, 1024, 360):
        page.set_viewport_size({"width": width, "height": 900})
        calm(page)
        painted(page)
        fits(page, f"{name} at {width}")
        shoot(page, f"console-{name}-{mode}-{width}")
        assert violations(page, whole=True) == [], f"{name} at {width}"
        if width != 1024:
            assert poor_contrast(page, 1, whole=True) == [], f"{name} at {width}"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page_in_every_width(console: Console, furnished: Furnished, mode: str) -> None:
    page = console.open(furnished.members["owner"].client, color_scheme=mode)
    for name, path in PAGES.items():
        page.set_viewport_size({"width": 1440, "height": 900})
        go(page, console, path)
        if name == "live":
            expect(page.locator(".tail-row").first).to_be_visible()
        if name == "querybuilder":
            expect(page.locator(".CodeMirror")).to_be_visible()
        expect(page).to_have_title(re.compile(" · Emban$"))
        assert page.evaluate("document.documentElement.dataset.mode") == mode
        look_at(page, name, mode)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page_before_one_is_signed_in(console: Console, mode: str) -> None:
    page = console.open(path="/login", color_scheme=mode)
    for name, path in GATES.items():
        page.goto("about:blank")
        go(page, console, path)
        expect(page.locator("h1, .empty").first).to_be_visible()
        expect(page).to_have_title(re.compile(" · Emban$"))
        look_at(page, name, mode)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_pages_without_anything_teach(console: Console, organization: Organization, mode: str) -> None:
    page = console.open(organization.login(), color_scheme=mode)
    for name in ("home", "events", "dashboards", "sessions", "customers", "usage", "querybuilder"):
        page.set_viewport_size({"width": 1440, "height": 900})
        go(page, console, PAGES[name])
        calm(page)
        expect(page.locator(".empty-title, .steps, .query-panel").first).to_be_visible()
        look_at(page, f"{name}-empty", mode)
