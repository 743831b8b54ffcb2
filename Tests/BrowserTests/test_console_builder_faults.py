"""What the dashboard builder does when things go wrong: no network, no session, no right, wrong fields, slow answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from embantest.browser import shoot
from embantest.building import (
    ACME, FOUR, GLOBEX, People, add, answered, cell, draft, drag, kept, owner, retitle, saved, select, stat, status, tab, titles,
)
from embantest.console import fits, toast
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.team import join
from embantest.workspace import PASSWORD, Organization
from playwright.sync_api import Browser, expect


@pytest.fixture
def people(emban: EmbanProcess, browser: Browser) -> Iterator[People]:
    made = People(emban, browser)
    yield made
    made.check()


@pytest.fixture(scope="module")
def stocked(module_organization: Organization) -> Organization:
    """An organisation with two customers, whose dashboards are the tests' own."""
    module_organization.ingest(ACME + GLOBEX)
    return module_organization


def test_what_was_typed_while_offline_is_saved_later(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = owner(people, stocked, dashboard)
    watch.expected = re.compile("ERR_INTERNET_DISCONNECTED")
    answered(page, 4)
    page.context.set_offline(True)
    retitle(page, "w_1", "Without a network")
    expect(status(page)).to_have_text("Not saved: trying again")
    page.context.set_offline(False)
    saved(page)
    assert titles(stocked, dashboard)[0] == "Without a network"


def test_a_session_that_ends_takes_no_changes_along(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    member = join(stocked, "editor")
    page, watch = people.signed_in(member.email, PASSWORD)
    watch.expected = re.compile("status of 401")
    people.builder(page, dashboard)
    answered(page, 4)
    member.again().delete("/v1/auth/sessions").expect(204)
    retitle(page, "w_1", "Written after the end")
    page.get_by_label("Email").wait_for()
    assert titles(stocked, dashboard)[0] == "Title of w_1"
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.locator(".workbench").wait_for()
    toast(page, "are back")
    saved(page)
    assert titles(stocked, dashboard)[0] == "Written after the end"


def test_a_draft_that_may_not_be_saved_says_why_and_is_kept(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    member = join(stocked, "editor")
    page, watch = people.signed_in(member.email, PASSWORD)
    watch.expected = re.compile("status of (403|404)")
    people.builder(page, dashboard)
    stocked.login().patch(f"/v1/members/{member.id}", {"role": "member"}).expect(200)
    retitle(page, "w_1", "No longer mine to change")
    expect(status(page)).to_have_text("Not saved")
    expect(page.locator(".trouble")).to_contain_text("The draft is not saved")
    stocked.login().patch(f"/v1/members/{member.id}", {"role": "editor"}).expect(200)
    retitle(page, "w_1", "Mine again")
    saved(page)
    # A draft that was deleted meanwhile lives on as a copy.
    stocked.admin.delete(f"/v1/dashboards/{dashboard}").expect(204)
    retitle(page, "w_1", "Of a draft that is gone")
    page.get_by_role("button", name="Save mine as a copy").click()
    expect(page.get_by_label("Name of the dashboard")).to_have_value("Usage (copy)")
    saved(page)
    assert titles(stocked, page.url.rpartition("/")[2])[0] == "Of a draft that is gone"


def test_what_is_wrong_is_said_next_to_its_field(people: People, stocked: Organization) -> None:
    draft(stocked, [], name="Other", slug="taken-already")
    dashboard = draft(stocked)
    page, watch = owner(people, stocked, dashboard)
    watch.expected = re.compile("status of (409|422)")
    panel = tab(page, "Dashboard")
    slug = panel.get_by_label("Name in addresses")
    own = slug.input_value()
    for wrong, problem in (("Not This!", "lower-case letters"), ("taken-already", "no other dashboard")):
        slug.fill(wrong)
        expect(panel.locator(".field").filter(has=page.get_by_label("Name in addresses")).locator(".field-error")).to_contain_text(problem)
        expect(slug).to_have_attribute("aria-invalid", "true")
        expect(status(page)).to_have_text(re.compile("^Not saved"))
    shoot(page, "builder-invalid", full=False)
    # It is not lost when the page is left, and can be corrected afterwards.
    page.get_by_role("button", name="Dashboards", exact=True).click()
    page.get_by_role("link", name="Other").first.wait_for()
    page.go_back()
    slug = tab(page, "Dashboard").get_by_label("Name in addresses")
    expect(slug).to_have_value("taken-already")
    slug.fill(own)
    saved(page)
    expect(page.locator(".field-error")).not_to_be_attached()
    expect(page.locator(".trouble")).not_to_be_attached()

    # The question itself is refused beside what asks it.
    select(page, "w_4")
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("Show at most").fill("5000000")
    expect(panel.get_by_label("Show at most")).to_have_attribute("aria-invalid", "true")
    panel.get_by_label("Show at most").fill("3")
    answered(page, 4)
    saved(page)


def test_who_goes_back_at_once_takes_their_last_change_along(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = people.signed_in(stocked.email, PASSWORD)
    # A page that is loaded anew may be there before what the last one sent on leaving: then it was its own change.
    watch.expected = re.compile("status of 409")
    page.goto(f"{people.origin}/app/dashboards")
    page.locator(f'a[href$="{dashboard}"]').click()
    page.locator(".workbench").wait_for()
    retitle(page, "w_1", "Typed and gone")
    page.go_back()
    page.locator(".shell").wait_for()
    page.go_forward()
    page.locator(".workbench").wait_for()
    expect(cell(page, "w_1")).to_contain_text("Typed and gone")
    saved(page)
    retitle(page, "w_1", "Typed and loaded anew")
    page.reload()
    page.locator(".workbench").wait_for()
    expect(cell(page, "w_1")).to_contain_text("Typed and loaded anew")
    saved(page)
    expect(page.locator(".trouble")).not_to_be_attached()
    assert titles(stocked, dashboard)[0] == "Typed and loaded anew"


def test_a_hundred_widgets_long_names_and_events_that_are_gone(people: People, stocked: Organization) -> None:
    long = "A name that goes on " * 9
    widgets = [stat(f"w_{index}", index % 4 * 3, index // 4 * 2, **({"event_name": "no.longer"} if index % 9 == 0 else {})) for index in range(1, 98)]
    widgets += [{**FOUR[3], "id": "w_98", "title": long.strip(), "description": long, "position": {"x": 0, "y": 60, "w": 4, "h": 4}},
                {**FOUR[3], "id": "w_99", "title": "Unknown property", "query": {**FOUR[3]["query"], "group_by": "nobody_sends_this"}, "position": {"x": 4, "y": 60, "w": 4, "h": 4}}]
    dashboard = draft(stocked, widgets, name=long.strip())
    page, _ = owner(people, stocked, dashboard)
    answered(page, 99)
    fits(page)
    cell(page, "w_98").scroll_into_view_if_needed()
    shoot(page, "builder-long-names", full=False)
    add(page, "kpi/stat")
    answered(page, 100)
    saved(page)
    # One more is one too many, and is not even begun.
    expect(page.locator(".topbar").get_by_role("button", name="Add widget")).to_be_disabled()
    page.locator(".canvas").evaluate("canvas => canvas.scrollTo(0, 0)")
    drag(page, "w_2", 3, 0)
    saved(page)
    assert len(kept(stocked, dashboard)["widgets"]) == 100


def test_a_slow_server_shows_what_is_on_its_way(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = people.signed_in(stocked.email, PASSWORD)
    watch.expected = re.compile("status of 503")
    held: list[Any] = []
    page.route("**/v1/query", lambda route: held.append(route))
    people.builder(page, dashboard)
    eventually(lambda: (page.wait_for_timeout(20), len(held))[1], lambda count: count == 4, pause=0)
    expect(page.locator('.cell [data-status="loading"]')).to_have_count(4)
    shoot(page, "builder-loading", full=False)
    # One fails: it says so in its place, and can be asked again.
    held[0].fulfill(status=503, content_type="application/json", body=json.dumps({"code": "event_store_unavailable", "message": "The event store is away.", "error": "", "details": []}))
    for route in held[1:]:
        route.continue_()
    expect(page.locator('.cell [data-status="ok"]')).to_have_count(3)
    expect(page.locator('.cell [data-status="error"]')).to_have_count(1)
    shoot(page, "builder-failed-widget", full=False)
    page.unroute("**/v1/query")
    page.locator(".cell-retry").click()
    answered(page, 4)
