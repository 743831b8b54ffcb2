"""The console at /app in a watched browser: people who are signed in, and an organisation that has something to show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from embantest.browser import Watch, open_context
from embantest.client import Client
from embantest.oracle import iso
from embantest.process import EmbanProcess
from embantest.stage import FILTERS, NOW, WIDGETS, calls
from embantest.steady import eventually
from embantest.team import Member, invite, team
from embantest.workspace import PASSWORD, Organization, event

#: What Chromium says of every answer that is a refusal, and pages are told by refusals: who is not signed in, what is misspelt, which name is taken.
REFUSED = r"Failed to load resource: the server responded with a status of (401|404|409|422) "


@dataclass
class Furnished:
    """An organisation with events of three customers, a published dashboard and a draft, people of every role and open invitations."""

    organization: Organization
    published: str
    draft: str
    members: dict[str, Member]


def furnish(organization: Organization) -> Furnished:
    organization.ingest([*calls("acme", 1_200), *calls("globex", 500), *calls("initech", 120)])
    organization.ingest([
        event(["acme", "globex"][index % 2], "user.login", timestamp=iso(NOW - timedelta(hours=index)), user_id=f"user-{index % 40}",
              string_props={"method": ["password", "sso", "magic-link"][index % 3]})
        for index in range(200)])
    published = organization.create_dashboard(WIDGETS, filters=FILTERS, name="API usage", publish=True)["id"]
    draft = organization.create_dashboard(WIDGETS[:3], name="Billing overview")["id"]
    members = team(organization)
    owner = members["owner"].client
    invite(owner, "editor", f"grace-{organization.id[-8:].lower()}@example.com")
    invite(owner, "member", f"a-rather-long-address-of-somebody-{organization.id[-8:].lower()}@subdomain.example.com")
    organization.session("acme", published)
    organization.session("globex", published)
    return Furnished(organization, published, draft, members)


@dataclass
class Console:
    """Pages of the console, each in a context of its own. `check` fails for everything that a page complained about."""

    emban: EmbanProcess
    browser: Browser
    opened: list[tuple[Watch, BrowserContext]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"{self.emban.url}/app"

    def open(self, client: Client | None = None, path: str = "", expected: str = REFUSED, **options: Any) -> Page:
        """A page of somebody whose cookie `client` holds, or of somebody who is not signed in."""
        context = open_context(self.browser, **{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        if client:
            name, _, value = client.headers["Cookie"].partition("=")
            context.add_cookies([{"name": name, "value": value, "url": self.emban.url, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        watch = Watch({self.emban.url, f"http://localhost:{self.emban.port}"}, expected=re.compile(expected))
        watch.follow(page)
        self.opened.append((watch, context))
        page.goto(self.base + path)
        return page

    def close(self) -> None:
        for _, context in self.opened:
            context.close()
        for watch, _ in self.opened:
            watch.check()


def go(page: Page, console: Console, path: str) -> None:
    page.goto(console.base + path)


def log_in(page: Page, address: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def copied(page: Page, text: str) -> None:
    """It is on the clipboard; the button says so for a moment only."""
    page.wait_for_function("text => navigator.clipboard.readText().then((found) => found === text)", arg=text)


def toast(page: Page, text: str, tone: str = "") -> None:
    """Something was said, above everything else; it may have gone again."""
    page.wait_for_function(
        "([text, tone]) => window.embanToasts.some((said) => said.startsWith(`toast ${tone}`) && said.includes(text))", arg=[text, tone])


def fits(page: Page, what: str = "the page") -> None:
    """Nothing is wider than the window; a chart takes its new size a moment after the window has."""
    eventually(lambda: page.evaluate("document.documentElement.scrollWidth - innerWidth"), lambda beyond: beyond <= 0, f"{what} fits")


def calm(page: Page) -> None:
    """Nothing loads any more: no bones, no busy card, every chart drawn."""
    expect(page.locator(".bone, [aria-busy=true], .splash, [data-widget][data-status=loading]")).to_have_count(0)
    expect(page.locator("h1, .topbar").first).to_be_visible()
