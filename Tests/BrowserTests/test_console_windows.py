"""The console under way: keys, narrow windows, and something else that happens meanwhile: another window or environment, a server that is away."""

from __future__ import annotations

import json
import re

from embantest.console import REFUSED, Console, Furnished, calm, go, log_in, toast
from embantest.team import invite, new_address
from embantest.workspace import PASSWORD, Organization, event
from playwright.sync_api import Page, Route, expect

#: What Chromium says where an answer is kept from the page.
AWAY = REFUSED.replace("404", "404|500|503") + r"|net::ERR_FAILED"


def busy(route: Route) -> None:
    body = {"error": "Busy.", "message": "Busy.", "code": "event_store_busy", "details": [], "request_id": "req_x"}
    route.fulfill(status=503, content_type="application/json", body=json.dumps(body))


def organization_of(page: Page) -> str:
    return page.locator(".side-org").inner_text()


def test_two_windows_beside_each_other_are_of_one_organization(console: Console, organization: Organization) -> None:
    """What is saved in the one must not go to the organisation that was chosen in the other."""
    organization.login().post("/v1/organizations", {"name": "Second Ltd"}).expect(201)
    one = console.open(organization.login(), "/settings")
    expect(one.get_by_role("heading", name="Settings")).to_be_visible()
    first = organization_of(one)
    other = one.context.new_page()
    go(other, console, "/dashboards")
    other.locator(".side-brand").click()
    other.get_by_role("menuitemradio", name="Second Ltd").click()
    expect(other.locator(".side-org")).to_have_text("Second Ltd")
    expect(one.locator(".side-org")).to_have_text("Second Ltd")
    assert first != "Second Ltd"
    # Whoever signs out has signed out of all of them.
    other.locator(".side-person").click()
    other.get_by_role("menuitem", name="Sign out").click()
    expect(one.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    log_in(other, organization.email)
    expect(one.locator(".side-org")).to_have_text(first)


def test_data_of_one_environment_never_stand_under_the_other(console: Console, organization: Organization) -> None:
    organization.ingest([event("of-production")])
    page = console.open(organization.login(), "/customers", expected=AWAY)
    expect(page.get_by_text("of-production")).to_be_visible()
    page.route("**/v1/tenants?*environment=development*", busy)
    page.get_by_role("radio", name="Development").click()
    expect(page.get_by_text("Busy.")).to_be_visible()
    expect(page.get_by_text("of-production")).to_have_count(0)
    page.unroute("**/v1/tenants?*environment=development*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Busy.")).to_have_count(0)
    expect(page.get_by_text("of-production")).to_have_count(0)
    page.get_by_role("radio", name="Production").click()
    expect(page.get_by_text("of-production")).to_be_visible()


def test_who_could_not_sign_out_is_told(console: Console, organization: Organization) -> None:
    page = console.open(organization.login(), "/dashboards", expected=AWAY)
    page.route("**/v1/auth/logout", busy)
    page.locator(".side-person").click()
    page.get_by_role("menuitem", name="Sign out").click()
    toast(page, "You are still signed in")
    page.unroute("**/v1/auth/logout")
    page.locator(".side-person").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()


def test_a_key_that_is_shown_once_stays_until_it_is_stored(console: Console, organization: Organization) -> None:
    page = console.open(organization.login(), "/keys")
    make = page.get_by_role("button", name="New key").first
    make.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Backend")
    page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name="Copy this key now")
    expect(shown).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(shown.get_by_text("eb_adm_")).to_be_visible()
    page.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    # Who uses the keyboard goes on where they were.
    make.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(make).to_be_focused()


def test_the_live_view_shows_what_comes_and_writes_nothing_down(console: Console, organization: Organization) -> None:
    organization.ingest([event("acme", user_id="first")])
    owner = organization.login()
    page = console.open(owner, "/events?event=api.call&tab=live")
    expect(page.locator(".tail-row")).to_have_count(1)
    organization.ingest([event("acme", user_id="second"), event("acme", user_id="second")])
    expect(page.locator(".tail-row")).to_have_count(3)
    expect(page.locator(".tail-user").first).to_have_text("second")
    actions = [entry["action"] for entry in owner.get("/v1/audit").expect(200)["data"]]
    assert "events.export" not in actions


def test_an_invitation_outlives_a_lost_connection(console: Console, organization: Organization) -> None:
    link = invite(organization.login(), "editor", new_address())["link"]
    page = console.open(path="/login", expected=AWAY)
    page.route("**/v1/auth/invite", lambda route: route.abort())
    page.goto(link)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert "token" not in page.url
    page.unroute("**/v1/auth/invite")
    page.get_by_role("button", name="Try again").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page.locator(".side-org")).to_be_visible()


def test_a_second_link_in_the_same_tab_is_read(console: Console) -> None:
    page = console.open(path="/reset#token=old")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("This link does not work any more")).to_be_visible()
    page.evaluate("location.hash = 'token=new'")
    expect(page.get_by_label("New password")).to_be_visible()
    assert "token" not in page.url


def test_what_is_being_edited_outlives_the_saving_of_something_else(console: Console, organization: Organization) -> None:
    page = console.open(organization.login(), "/settings")
    page.get_by_role("button", name="Set a theme").click()
    branding = page.locator(".section").filter(has=page.get_by_text("New dashboards begin with this theme."))
    expect(branding.get_by_role("button", name="Save")).to_be_enabled()
    # Meanwhile somebody else lets another page in.
    organization.admin.patch("/v1/organization", {"allowed_origins": ["https://theirs.example.com"]}).expect(200)
    page.get_by_label("Add origin").fill("https://ours.example.com")
    page.get_by_role("button", name="Add origin").click()
    expect(page.get_by_role("listitem").filter(has_text="https://theirs.example.com")).to_be_visible()
    assert set(organization.admin.get("/v1/organization").expect(200)["allowed_origins"]) == {"https://theirs.example.com", "https://ours.example.com"}
    expect(branding.get_by_role("button", name="Save")).to_be_enabled()
    expect(branding.get_by_role("button", name="Remove theme")).to_be_visible()


def test_a_new_organization_is_looked_at_where_its_first_key_sends(console: Console) -> None:
    page = console.open(path="/register")
    page.evaluate("localStorage.setItem('emban.environment', 'development')")
    page.get_by_label("Email").fill(new_address())
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_test_id("api-key")).to_contain_text("eb_adm_")
    expect(page.get_by_role("radio", name="Production")).to_be_checked()
    page.get_by_role("radio", name="Development").click()
    expect(page.get_by_test_id("api-key")).to_have_count(0)


def test_a_download_that_is_refused_takes_nothing_away(console: Console, organization: Organization) -> None:
    organization.ingest([event("acme")])
    page = console.open(organization.login(), "/customers", expected=AWAY)
    actions = page.get_by_role("button", name="Actions: acme")
    actions.click()
    with page.expect_download() as begun:
        page.get_by_role("menuitem", name="Download events").click()
    assert begun.value.suggested_filename == "events.csv"
    page.route("**/v1/tenants/acme/events?*", busy)
    actions.click()
    page.get_by_role("menuitem", name="Download events").click()
    expect(actions).to_be_visible()
    actions.click()
    expect(page.get_by_role("menuitem", name="Download events")).to_be_visible()


def test_everything_works_by_keyboard(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, "/keys")
    expect(page.get_by_role("row", name=re.compile("Default"))).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="New key")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    # The focus stays in the dialog, and goes back to where it was.
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="New key")).to_be_focused()
    # A new page takes the focus, and names itself.
    page.get_by_role("link", name="Usage").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Usage · Emban")
    expect(page.locator("main")).to_be_focused()
    page.go_back()
    expect(page).to_have_title("API keys · Emban")
    menu = page.get_by_role("button", name="Olga Owner")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Your account")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    environments = page.get_by_role("radiogroup", name="Environment")
    environments.get_by_role("radio", name="Production").focus()
    page.keyboard.press("ArrowRight")
    expect(environments.get_by_role("radio", name="Development")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    expect(environments.get_by_role("radio", name="Production")).to_be_focused()


def test_without_a_connection_it_says_so_and_goes_on_afterwards(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, "/keys", expected=r"ERR_INTERNET_DISCONNECTED")
    expect(page.get_by_role("row", name=re.compile("Default"))).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.get_by_role("link", name="Members").click()
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_have_count(0)
    expect(page.get_by_role("region", name="Members")).to_be_visible()


def test_in_a_narrow_window_the_side_slides_in(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, viewport={"width": 360, "height": 740})
    calm(page)
    expect(page.get_by_role("link", name="Usage", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Usage", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Usage", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Usage", exact=True)).to_be_hidden()


def test_an_address_without_a_page_says_so(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, "/nowhere")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    page.get_by_role("button", name="Go to the home page").click()
    expect(page).to_have_url(console.base)
