"""Every page of the console but the builder, in Chromium, against the real server: what people do there, and what they may not."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from embantest.browser import painted, settled, shoot
from embantest.client import Client
from embantest.console import Console, Furnished, calm, clipboard, copied, go, log_in, toast
from embantest.oracle import iso
from embantest.process import EmbanProcess
from embantest.reset import reset_link
from embantest.team import new_address
from embantest.workspace import PASSWORD, Organization, event
from playwright.sync_api import Page, expect


def side(page: Page) -> list[str]:
    return page.locator(".side-link").all_inner_texts()


# --- Coming in ------------------------------------------------------------------------------------------------------------


def test_first_steps_tick_themselves(console: Console, emban: EmbanProcess) -> None:
    page = console.open(path="/register")
    expect(page).to_have_title("Create your account · Emban")
    page.get_by_role("button", name="Create account").click()
    # What is wrong stands below its own field, and belongs to it.
    for label in ("Email", "Password"):
        field = page.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        described = field.get_attribute("aria-describedby") or ""
        assert any(page.locator(f"[id='{one}']").get_attribute("role") == "alert" for one in described.split())
    address = new_address()
    page.get_by_label("Organization").fill("Steps Ltd")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page.get_by_role("heading", name="Hello Ada")).to_be_visible()
    done = page.locator(".step[data-done]")
    expect(page.get_by_text("0 of 5 done")).to_be_visible()
    key = page.get_by_test_id("api-key").inner_text()
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(done).to_have_count(1)
    assert clipboard(page) == key
    expect(page.get_by_text("Listening for events…")).to_be_visible()
    Client(emban.url).bearer(key).post("/v1/events", {"events": [event("acme", string_props={"model": "gpt-4"})]}).expect(200)
    expect(done).to_have_count(2)
    shoot(page, "console-home-first-steps")

    page.get_by_role("button", name="Make one from my events").click()
    page.wait_for_url(re.compile("/app/dashboards/dash_"))
    dashboard = page.url.rsplit("/", 1)[1]
    Client(emban.url).bearer(key).post(f"/v1/dashboards/{dashboard}/publish").expect(204)
    go(page, console, "")
    expect(done).to_have_count(4)
    page.get_by_role("button", name="Make a session").click()
    page.get_by_role("dialog").get_by_label("Customer").fill("acme")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Make session").click()
    expect(page.get_by_role("heading", name="The session is ready")).to_be_visible()
    settled(page.locator("iframe").element_handle().content_frame())
    page.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_text("5 of 5 done")).to_be_visible()
    # In another browser as well, where nothing was copied.
    other = console.open(path="/login")
    log_in(other, address)
    expect(other.get_by_text("5 of 5 done")).to_be_visible()
    other.get_by_role("button", name="Hide first steps").click()
    expect(other.locator(".steps")).to_have_count(0)


def test_log_in_goes_on_where_one_was(console: Console, furnished: Furnished) -> None:
    page = console.open(path="/audit?action=user.login")
    expect(page).to_have_url(re.compile(r"/app/login\?next="))
    expect(page.get_by_label("Email")).to_be_focused()
    log_in(page, furnished.organization.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    log_in(page, furnished.organization.email)
    expect(page).to_have_url(re.compile(r"/app/audit\?action=user\.login$"))
    expect(page).to_have_title("Audit log · Emban")
    # The session ends elsewhere, in the midst of it: the next thing that is asked for leads to the login, and back.
    own = Client(furnished.organization.base, {"Cookie": cookie(page), "Origin": furnished.organization.base})
    own.post("/v1/auth/logout").expect(204)
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_text("You were signed out. Log in to go on.")).to_be_visible()
    log_in(page, furnished.organization.email)
    expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    # Who signs out by themselves begins anew.
    page.get_by_role("button", name="Olga Owner").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page).to_have_url(f"{console.base}/login")
    expect(page.get_by_text("Welcome back.")).to_be_visible()


def cookie(page: Page) -> str:
    return next(f"{one['name']}={one['value']}" for one in page.context.cookies() if one["name"] == "emban_session")


def test_forgotten_password(console: Console, emban: EmbanProcess, organization: Organization) -> None:
    page = console.open(path="/login")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("Email").fill("nobody")
    page.get_by_role("button", name="Send link").click()
    expect(page.locator(".field-error")).to_be_visible()
    page.get_by_label("Email").fill(organization.email)
    page.get_by_role("button", name="Send link").click()
    # This server has no mail: it says who can help, and how.
    expect(page.get_by_text(f"emban users reset-link {organization.email}")).to_be_visible()
    made = reset_link(emban, organization.email)
    assert made.returncode == 0, made.stderr
    page.goto(made.stdout.strip())
    expect(page).to_have_title("Set a new password · Emban")
    assert "token" not in page.url and "#" not in page.url
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set password").click()
    expect(page.locator(".field-error")).to_be_visible()
    page.get_by_label("New password").fill("another good password 7")
    page.get_by_role("button", name="Set password").click()
    toast(page, "Your password is set.")
    log_in(page, organization.email, "another good password 7")
    expect(page.get_by_role("heading", name="Hello Olga")).to_be_visible()
    # A link works once.
    used = console.open()
    used.goto(made.stdout.strip())
    used.get_by_label("New password").fill("a third password 11")
    used.get_by_role("button", name="Set password").click()
    expect(used.get_by_text("This link does not work any more.")).to_be_visible()


def test_people_are_invited_change_roles_and_leave(console: Console, organization: Organization) -> None:
    owner = console.open(organization.login(), "/members")
    owner.get_by_role("button", name="Invite", exact=True).click()
    dialog = owner.get_by_role("dialog")
    expect(dialog.get_by_label("Email")).to_be_focused()
    dialog.get_by_label("Email").fill("no address")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(dialog.locator(".field-error")).to_be_visible()
    address = new_address()
    dialog.get_by_label("Email").fill(address)
    dialog.get_by_label("Role").select_option("member")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(owner.get_by_role("heading", name="Send this link yourself")).to_be_visible()
    link = owner.get_by_role("dialog").locator("code").inner_text()
    owner.get_by_role("dialog").get_by_role("button", name="Copy").click()
    copied(owner, link)
    owner.get_by_role("button", name="Done").click()
    expect(owner.get_by_role("region", name="Open invitations")).to_contain_text(address)

    guest = console.open()
    guest.goto(link)
    expect(guest.get_by_role("heading", name="Join Example Ltd")).to_be_visible()
    expect(guest.get_by_text(f"You are invited as Member, with the address {address}.")).to_be_visible()
    assert "#" not in guest.url
    guest.get_by_label("Your name").fill("Grace Hopper")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", name="Hello Grace")).to_be_visible()
    assert side(guest) == ["Home", "Events", "Dashboards", "Customers", "Members", "Usage"]

    owner.reload()
    owner.get_by_label("Role: Grace Hopper").select_option("editor")
    toast(owner, "The role is changed.")
    guest.reload()
    guest.get_by_role("link", name="Dashboards").click()
    expect(guest.get_by_role("button", name="New dashboard").first).to_be_visible()
    # A second invitation, renewed and withdrawn: its links die.
    second = new_address()
    owner.get_by_role("button", name="Invite", exact=True).click()
    owner.get_by_label("Email").fill(second)
    owner.get_by_role("button", name="Send invitation").click()
    first_link = owner.get_by_role("dialog").locator("code").inner_text()
    owner.get_by_role("button", name="Done").click()
    owner.get_by_role("button", name=f"Actions: {second}").click()
    owner.get_by_role("menuitem", name="New link").click()
    second_link = owner.get_by_role("dialog").locator("code").inner_text()
    assert first_link != second_link
    owner.get_by_role("button", name="Done").click()
    owner.get_by_role("button", name=f"Actions: {second}").click()
    owner.get_by_role("menuitem", name="Withdraw").click()
    toast(owner, "The invitation is withdrawn.")
    late = console.open()
    late.goto(second_link)
    expect(late.get_by_text("This invitation does not work any more")).to_be_visible()
    # Out, and at once.
    owner.get_by_role("button", name=f"Actions: {address}").click()
    owner.get_by_role("menuitem", name="Remove").click()
    owner.get_by_role("dialog").get_by_role("button", name="Remove").click()
    toast(owner, "They are removed.")
    expect(owner.get_by_role("region", name="Members")).not_to_contain_text(address)
    guest.get_by_role("link", name="Members").click()
    expect(guest.get_by_text("You were signed out. Log in to go on.")).to_be_visible()


# --- What there is --------------------------------------------------------------------------------------------------------


def test_events_are_explored_and_watched(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, "/events")
    expect(page.locator(".explorer-name")).to_have_text(["api.call", "user.login"])
    expect(page.get_by_role("cell", name="endpoint", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("latency_ms"))).to_be_visible()
    page.get_by_label("Find an event or property").fill("magic")
    expect(page.locator(".explorer-name")).to_have_count(0)
    page.get_by_label("Find an event or property").fill("method")
    expect(page.locator(".explorer-name")).to_have_text(["user.login"])
    expect(page.locator(".values")).to_contain_text("magic-link")
    page.get_by_label("Find an event or property").fill("")
    page.get_by_role("button", name=re.compile("^api.call")).click()
    page.get_by_role("radio", name="Live events").click()
    page.get_by_label("Customer").click()
    page.get_by_role("option", name="acme").click()
    expect(page.locator(".tail-row").first).to_be_visible()
    furnished.organization.ingest([event("acme", user_id="somebody-new", event_id=f"live-{datetime.now(timezone.utc).timestamp()}",
                                         string_props={"model": "brand-new"}, numeric_props={"tokens": 7})])
    fresh = page.locator(".tail-row", has_text="brand-new")
    expect(fresh).to_be_visible()
    fresh.get_by_role("button").click()
    payload = json.loads(page.locator(".json").inner_text())
    assert payload["user_id"] == "somebody-new" and payload["numeric_props"] == {"tokens": 7}
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_dashboards_are_made_copied_carried_and_deleted(console: Console, furnished: Furnished, tmp_path: Path) -> None:
    page = console.open(furnished.members["admin"].client, "/dashboards")
    expect(page.get_by_role("row", name=re.compile("API usage.*Published"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Billing overview.*Draft"))).to_be_visible()
    page.get_by_role("button", name="New dashboard").click()
    expect(page.get_by_role("button", name="Create", exact=True)).to_be_disabled()
    page.get_by_label("Name").fill("Made by hand")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/app/dashboards/dash_"))
    go(page, console, "/dashboards")
    page.get_by_role("button", name="Actions: API usage").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export JSON").click()
    file = tmp_path / "usage.json"
    download.value.save_as(file)
    exported = json.loads(file.read_text())
    assert len(exported["widgets"]) == 9 and "id" not in exported
    file.write_text(json.dumps(exported | {"name": "Carried over"}))
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_url(re.compile("/app/dashboards/dash_"))
    go(page, console, "/dashboards")
    page.get_by_role("button", name="Actions: Carried over").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete “Carried over”?")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    toast(page, "The dashboard is deleted.")
    expect(page.get_by_role("link", name="Carried over")).to_have_count(0)
    file.write_text("{}")
    page.locator("input[type=file]").set_input_files(file)
    toast(page, "This file is no dashboard")


def test_keys_are_shown_once(console: Console, furnished: Furnished, emban: EmbanProcess) -> None:
    page = console.open(furnished.members["owner"].client, "/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("edge workers")
    page.get_by_role("radio", name="Sending events only").click()
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_role("heading", name="Copy this key now")).to_be_visible()
    key = page.get_by_role("dialog").locator("code").inner_text()
    assert key.startswith("eb_ing_")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    copied(page, key)
    page.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_text(key)).to_have_count(0)
    client = Client(emban.url).bearer(key)
    client.post("/v1/events", {"events": [event("acme", timestamp=iso(datetime.now(timezone.utc)))]}).expect(200)
    row = page.get_by_role("row", name=re.compile("edge workers"))
    expect(row).to_contain_text("Sending events only")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    toast(page, "The key is revoked.")
    expect(row).to_have_count(0)
    assert client.post("/v1/events", {"events": [event("acme")]}).status == 401


def test_sessions_are_made_looked_at_and_ended(console: Console, furnished: Furnished, emban: EmbanProcess) -> None:
    page = console.open(furnished.members["admin"].client, "/customers")
    page.get_by_role("button", name="Actions: globex").click()
    page.get_by_role("menuitem", name="Open a dashboard").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Customer")).to_have_value("globex")
    expect(dialog.get_by_label("Dashboard")).to_have_value(furnished.published)
    dialog.get_by_role("button", name="Permissions").click()
    dialog.get_by_label("Export data").uncheck()
    dialog.get_by_label("Fixed filters").fill("model")
    expect(dialog.get_by_text("Each line must be property=value.")).to_be_visible()
    dialog.get_by_label("Fixed filters").fill("model=gpt-4")
    dialog.get_by_label("Endpoints", exact=True).check()
    shoot(page, "console-session-dialog", full=False)
    dialog.get_by_role("button", name="Make session").click()
    frame = page.locator("iframe").element_handle().content_frame()
    settled(frame, 8)
    url = page.get_by_role("dialog").locator("code").inner_text()
    token = url.partition("token=")[2]
    viewer = Client(emban.url).bearer(token)
    seen = viewer.get("/v1/embed/dashboard").expect(200)
    assert "w_table" not in [widget["id"] for widget in seen["widgets"]]
    assert viewer.get("/v1/embed/export", query={"format": "csv", "widget": "w_calls"}).status == 403
    painted(frame)
    shoot(page, "console-session-ready", full=False)
    page.get_by_role("button", name="Done").click()
    rows = page.locator("tbody tr").filter(has_text="globex")
    # One came with the organisation, the other is the newer.
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button", name="End").click()
    toast(page, "The session has ended.")
    expect(rows).to_have_count(1)
    assert viewer.get("/v1/embed/dashboard").status == 401
    page.get_by_role("button", name="End all of globex").click()
    toast(page, "All sessions of this customer have ended.")
    expect(page.get_by_text("No live sessions")).to_be_visible()


def test_customers_are_found_and_erased(console: Console, furnished: Furnished) -> None:
    furnished.organization.ingest([event("hooli", "page.view") for _ in range(3)])
    page = console.open(furnished.members["owner"].client, "/customers")
    page.get_by_label("Find a customer").fill("hoo")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Actions: hooli").click()
    page.get_by_role("menuitem", name="Erase data").click()
    erase = page.get_by_role("dialog").get_by_role("button", name="Erase data")
    expect(erase).to_be_disabled()
    page.get_by_label("Type “hooli” to confirm").fill("hooli")
    erase.click()
    toast(page, "3 events are erased.")
    page.get_by_label("Find a customer").fill("")
    expect(page.get_by_role("cell", name="acme", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="hooli", exact=True)).to_have_count(0)


# --- The organisation -----------------------------------------------------------------------------------------------------


def test_settings_hold_and_errors_stand_next_to_their_field(console: Console, organization: Organization) -> None:
    page = console.open(organization.login(), "/settings")
    general = page.locator("form").filter(has=page.get_by_label("Time zone"))
    general.get_by_label("Name").fill("Example & Sons")
    zone = general.get_by_label("Time zone")
    zone.click()
    zone.fill("lcutta" if page.evaluate("Intl.supportedValuesOf('timeZone').includes('Asia/Calcutta')") else "kolk")
    page.get_by_role("option", name=re.compile("Kolkata|Calcutta")).first.click()
    general.get_by_role("button", name="Save").click()
    toast(page, "The settings are saved.")
    expect(page.locator(".side-org")).to_have_text("Example & Sons")
    origin = page.get_by_label("Add origin")
    origin.fill("https://app.example.com/path")
    page.get_by_role("button", name="Add origin").click()
    expect(origin).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-error")).to_contain_text("An origin is a scheme and a host")
    origin.fill("https://app.example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem").filter(has_text="https://app.example.com")).to_be_visible()
    page.get_by_role("switch", name="Keep events for ever").click()
    days = page.get_by_label("Days", exact=True)
    days.fill("0")
    retention = page.locator(".section").filter(has=page.get_by_role("switch"))
    retention.get_by_role("button", name="Save").click()
    expect(days).to_have_attribute("aria-invalid", "true")
    # Neither a thousand nor one: this once deleted all events but those of a day.
    for unclear in ("1,000", "1.000"):
        days.fill(unclear)
        expect(days).to_have_attribute("aria-invalid", "true")
        expect(retention.get_by_role("button", name="Save")).to_be_disabled()
    days.fill("90")
    retention.get_by_role("button", name="Save").click()
    # What goes for good is asked about first.
    page.get_by_role("dialog").get_by_role("button", name="Remove older events").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(days).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Set a theme").click()
    page.get_by_role("button", name="Midnight").or_(page.locator(".preset").nth(3)).first.click()
    branding = page.locator(".section").filter(has=page.get_by_text("New dashboards begin with this theme."))
    branding.get_by_role("button", name="Save").click()
    expect(branding.get_by_role("button", name="Save")).to_be_disabled()
    stored = organization.admin.get("/v1/organization").expect(200)
    assert stored["name"] == "Example & Sons" and stored["time_zone"] in ("Asia/Kolkata", "Asia/Calcutta")
    assert stored["allowed_origins"] == ["https://app.example.com"] and stored["retention_days"] == 90 and stored["branding"]
    # Times are those of the organisation, whatever the browser's own zone is: half an hour off from every whole one.
    entry = organization.admin.get("/v1/audit", query={"action": "organization.update", "limit": 1}).expect(200)["data"][0]
    at = datetime.fromisoformat(entry["at"].replace("Z", "+00:00")).astimezone(timezone.utc)
    go(page, console, "/audit?action=organization.update")
    expect(page.locator("tbody time").first).to_contain_text((at + timedelta(hours=5, minutes=30)).strftime("%H:%M:%S"))
    page.locator("tbody button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("GMT+5:30")


def test_audit_is_filtered_and_opened(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["owner"].client, "/audit")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.get_by_label("Action").select_option("dashboard.create")
    expect(page).to_have_url(re.compile("action=dashboard.create"))
    expect(page.locator("tbody tr").filter(has_text="created a dashboard").first).to_be_visible()
    expect(page.locator("tbody tr").filter(has_not_text="created a dashboard")).to_have_count(0)
    page.locator("tbody tr", has_text="Billing overview").get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text(furnished.draft)
    expect(page.get_by_role("dialog").locator(".json").first).to_contain_text("Billing overview")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Since").fill("2020-01-01")
    page.get_by_label("Until").fill("2020-01-02")
    expect(page.get_by_text("Nothing was recorded")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    # The organisation may have been made before midnight.
    now = datetime.now(timezone.utc)
    page.get_by_label("Since").fill((now - timedelta(days=1)).date().isoformat())
    page.get_by_label("Until").fill(now.date().isoformat())
    expect(page.locator("tbody tr", has_text="registered")).to_be_visible()


def test_usage_says_what_the_server_counts(console: Console, furnished: Furnished) -> None:
    page = console.open(furnished.members["member"].client, "/usage?days=90")
    calm(page)
    usage = furnished.organization.admin.get("/v1/usage", query={"from": utc_day(-89), "to": utc_day(0)}).expect(200)
    expect(page.locator(".tile-value").first).to_have_text(f"{usage['events']:,}")
    expect(page.locator(".tile-value").nth(1)).to_have_text(str(usage["tenants"]))
    page.get_by_role("radio", name="7 days").click()
    expect(page).to_have_url(re.compile("days=7$"))
    week = furnished.organization.admin.get("/v1/usage", query={"from": utc_day(-6), "to": utc_day(0)}).expect(200)
    expect(page.locator(".tile-value").first).to_have_text(f"{week['events']:,}")


def utc_day(shift: int) -> str:
    day = datetime.now(timezone.utc).date()
    return type(day).fromordinal(day.toordinal() + shift).isoformat()


def test_account(console: Console, organization: Organization) -> None:
    owner, elsewhere = organization.login(), organization.login()
    page = console.open(owner, "/account")
    page.get_by_label("Your name").fill("Olga of Example")
    page.locator("form").first.get_by_role("button", name="Save").click()
    toast(page, "Your name is saved.")
    expect(page.locator(".side-person")).to_contain_text("Olga of Example")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("tbody tr").filter(has_not_text="This browser").first.get_by_role("button", name="Sign out").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert elsewhere.get("/v1/auth/me").status == 401
    page.get_by_label("Current password").fill("not this one")
    page.get_by_label("New password").fill("another good password 7")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".field-error")).to_have_text("This is not your password.")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    toast(page, "Your password is changed.")
    expect(page.get_by_role("button", name="Leave organization")).to_be_disabled()
    page.get_by_role("button", name="Sign out everywhere", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    expect(page).to_have_url(f"{console.base}/login")
    log_in(page, organization.email, "another good password 7")
    expect(page.get_by_role("heading", name="Hello Olga")).to_be_visible()


READERS = ["Home", "Events", "Dashboards", "Customers", "Members", "Usage"]
ADMINS = ["Home", "Events", "Dashboards", "Query builder", "Customers", "Embed sessions", "API keys", "Members", "Usage", "Audit log", "Settings"]
CLOSED = ["/keys", "/sessions", "/querybuilder", "/audit", "/settings"]


@pytest.mark.parametrize("role", ["owner", "admin", "editor", "member"])
def test_what_one_may_not_is_absent_or_explained(console: Console, furnished: Furnished, role: str) -> None:
    page = console.open(furnished.members[role].client)
    is_admin, may_edit = role in ("owner", "admin"), role != "member"
    expect(page.locator(".side-person")).to_contain_text(role.capitalize())
    assert side(page) == (ADMINS if is_admin else READERS)
    calm(page)
    expect(page.locator(".steps")).to_have_count(1 if is_admin else 0)
    for path in CLOSED:
        go(page, console, path)
        refusal = page.get_by_text("Your role does not allow this")
        expect(refusal if not is_admin else page.locator(".page-head h1")).to_be_visible()
        if not is_admin:
            expect(page.get_by_text("Ask an owner or admin of your organization.")).to_be_visible()
    go(page, console, "/members")
    expect(page.get_by_role("region", name="Members")).to_be_visible()
    expect(page.get_by_role("button", name="Invite", exact=True)).to_have_count(1 if is_admin else 0)
    expect(page.get_by_label(re.compile("^Role: "))).to_have_count(3 if role == "owner" else 0)
    # The owner may remove all others, an admin those without rights of their own.
    expect(page.get_by_role("region", name="Members").get_by_role("button", name=re.compile("^Actions: "))).to_have_count({"owner": 3, "admin": 2}.get(role, 0))
    go(page, console, "/dashboards")
    expect(page.get_by_role("link", name="API usage")).to_be_visible()
    expect(page.get_by_role("button", name="New dashboard")).to_have_count(1 if may_edit else 0)
    page.get_by_role("button", name="Actions: API usage").click()
    offered = ["Open", *(["Duplicate"] if may_edit else []), "Export JSON", *(["New session", "Take offline", "Delete"] if is_admin else [])]
    expect(page.get_by_role("menuitem")).to_have_text(offered)
    go(page, console, "/events?tab=live")
    expect(page.locator(".tail-row").first if is_admin else page.get_by_text("Single events are shown to admins.")).to_be_visible()
    go(page, console, "/customers")
    expect(page.get_by_role("cell", name="acme", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Actions: acme")).to_have_count(1 if is_admin else 0)
    if is_admin:
        go(page, console, "/settings")
        expect(page.get_by_role("heading", name="General")).to_be_visible()
        expect(page.get_by_role("heading", name="Transfer organization")).to_have_count(1 if role == "owner" else 0)
        expect(page.get_by_role("heading", name="Delete organization")).to_have_count(1 if role == "owner" else 0)


def test_organizations_are_made_switched_and_deleted(console: Console, organization: Organization) -> None:
    page = console.open(organization.login())
    page.get_by_role("button", name="Example Ltd").click()
    page.get_by_role("menuitem", name="New organization…").click()
    page.get_by_label("Name").fill("Second Ltd")
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator(".side-org")).to_have_text("Second Ltd")
    assert page.get_by_test_id("api-key").inner_text().startswith("eb_adm_")
    page.get_by_role("button", name="Second Ltd").click()
    page.get_by_role("menuitemradio", name="Example Ltd").click()
    expect(page.locator(".side-org")).to_have_text("Example Ltd")
    # The key of the other organisation is not told in this one.
    expect(page.locator(".steps .step-head").first).to_be_visible()
    expect(page.get_by_test_id("api-key")).to_have_count(0)
    page.get_by_role("button", name="Example Ltd").click()
    page.get_by_role("menuitemradio", name="Second Ltd").click()
    expect(page.locator(".side-org")).to_have_text("Second Ltd")
    go(page, console, "/settings")
    page.get_by_role("button", name="Delete organization").click()
    delete = page.get_by_role("dialog").get_by_role("button", name="Delete for ever")
    page.get_by_label("Your password").fill("not this one")
    expect(delete).to_be_disabled()
    page.get_by_label("Type “Second Ltd” to confirm").fill("Second Ltd")
    delete.click()
    expect(page.get_by_role("dialog").locator(".field-error")).to_have_text("This is not your password.")
    page.get_by_label("Your password").fill(PASSWORD)
    delete.click()
    expect(page).to_have_url(f"{console.base}/login")
    toast(page, "Second Ltd is deleted.")
    log_in(page, organization.email)
    expect(page.locator(".side-org")).to_have_text("Example Ltd")
