"""The dashboard builder: what it keeps, what it shows, and what it lets whom do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.accessible import poor_contrast, violations
from embantest.browser import kpi_number, settled, shoot, shows
from embantest.building import (
    ACME, FOUR, GLOBEX, MODELS, PERIOD_FILTER, People, answered, cell, choose, draft, is_at, kept, owner, pick, place, retitle, saved, select, status, tab, titles,
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


# --- Two who edit the same draft --------------------------------------------------------------------------------------


def test_a_conflict_is_shown_and_nothing_is_overwritten(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    editor = join(stocked, "editor")
    mine, watch = owner(people, stocked, dashboard)
    theirs, their_watch = people.signed_in(editor.email, PASSWORD)
    watch.expected = their_watch.expected = re.compile("status of 409")
    people.builder(theirs, dashboard)

    # Theirs.
    retitle(theirs, "w_1", "Theirs, first")
    saved(theirs)
    retitle(mine, "w_1", "Mine, first")
    expect(mine.locator(".trouble")).to_contain_text("saved this draft meanwhile")
    expect(status(mine)).to_have_text("Not saved: conflict")
    assert titles(stocked, dashboard)[0] == "Theirs, first"
    expect(mine.get_by_role("tabpanel").get_by_label("Title")).to_have_value("Mine, first")
    shoot(mine, "builder-conflict", full=False)
    mine.get_by_role("button", name="Compare").click()
    expect(mine.get_by_role("dialog").locator(".diff-item")).to_have_count(1)
    mine.keyboard.press("Escape")
    mine.get_by_role("button", name="Use theirs").click()
    saved(mine)
    expect(mine.get_by_role("tabpanel").get_by_label("Title")).to_have_value("Theirs, first")

    # Mine.
    retitle(theirs, "w_1", "Theirs, second")
    saved(theirs)
    retitle(mine, "w_2", "Mine, second")
    mine.get_by_role("button", name="Overwrite with mine").click()
    saved(mine)
    assert titles(stocked, dashboard)[:2] == ["Theirs, first", "Mine, second"]

    # A copy.
    retitle(theirs, "w_3", "Theirs, third")
    theirs.get_by_role("button", name="Save mine as a copy").click()
    expect(theirs).not_to_have_url(re.compile(dashboard))
    theirs.locator(".workbench").wait_for()
    expect(theirs.get_by_label("Name of the dashboard")).to_have_value("Usage (copy)")
    saved(theirs)
    assert titles(stocked, theirs.url.rpartition("/")[2])[2] == "Theirs, third"
    assert titles(stocked, dashboard)[:3] == ["Theirs, first", "Mine, second", "Title of w_3"]
    # Who comes back to the draft finds it as it is, and no conflict.
    people.builder(theirs, dashboard)
    expect(theirs.locator(".trouble")).not_to_be_attached()
    saved(theirs)


def test_what_is_published_is_what_was_looked_at(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = owner(people, stocked, dashboard)
    watch.expected = re.compile("status of 409")
    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    stocked.admin.patch(f"/v1/dashboards/{dashboard}", {"description": "Somebody else's"}).expect(200)
    page.get_by_role("dialog").get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_role("dialog")).to_contain_text("Somebody else saved this dashboard first")
    assert kept(stocked, dashboard)["status"] == "draft"


def test_an_answer_that_was_lost_is_no_conflict(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = owner(people, stocked, dashboard)
    watch.expected = re.compile("status of 409|ERR_FAILED")
    lost: list[int] = []

    def lose(route: Any) -> None:
        if route.request.method != "PUT" or lost:
            route.fallback()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route(f"**/v1/dashboards/{dashboard}", lose)
    retitle(page, "w_1", "Arrived")
    eventually(lambda: (page.wait_for_timeout(20), len(lost))[1], bool, "an answer that was lost", pause=0)
    saved(page)
    assert lost == [200] and titles(stocked, dashboard)[0] == "Arrived"
    expect(page.locator(".trouble")).not_to_be_attached()


# --- By keys ----------------------------------------------------------------------------------------------------------


def test_keys_move_resize_copy_remove_and_undo(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, _ = owner(people, stocked, dashboard)
    before = {name: place(page, name) for name in ("w_1", "w_2", "w_3", "w_4")}
    undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    cell(page, "w_1").focus()
    page.keyboard.press("ArrowRight")
    is_at(page, "w_1", (1, 0, 3, 2))
    page.keyboard.press("Shift+ArrowRight")
    is_at(page, "w_1", (1, 0, 4, 2))
    page.keyboard.press("Shift+ArrowDown")
    is_at(page, "w_1", (1, 0, 4, 3))
    page.keyboard.press("ArrowDown")
    after = {name: place(page, name) for name in before}
    expect(cell(page, "w_1")).to_be_focused()
    expect(page.locator(".canvas-grid [role=status]")).to_contain_text("Title of w_1: column 2")
    # Steps of one kind that follow each other closely are one step of undo.
    while undo.is_enabled():
        page.keyboard.press("Control+z")
    assert {name: place(page, name) for name in before} == before
    while redo.is_enabled():
        page.keyboard.press("Control+Shift+z")
    assert {name: place(page, name) for name in before} == after
    while undo.is_enabled():
        undo.click()
    saved(page)

    cell(page, "w_2").focus()
    page.keyboard.press("Control+d")
    expect(page.locator(".cell")).to_have_count(5)
    expect(cell(page, "w_5")).to_have_class(re.compile("selected"))
    cell(page, "w_1").focus()
    page.keyboard.press("Delete")
    expect(cell(page, "w_1")).not_to_be_attached()
    # No hole stays, and the focus does not get lost.
    is_at(page, "w_3", (0, 0, 3, 2))
    expect(cell(page, "w_2")).to_be_focused()
    page.keyboard.press("Control+z")
    is_at(page, "w_1", before["w_1"])
    is_at(page, "w_3", before["w_3"])
    cell(page, "w_3").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tabpanel").locator("select").first).to_be_focused()
    saved(page)
    assert [one["id"] for one in kept(stocked, dashboard)["widgets"]] == ["w_1", "w_2", "w_3", "w_4", "w_5"]


def test_dialogs_keep_the_focus_and_give_it_back(people: People, stocked: Organization) -> None:
    page, _ = owner(people, stocked, draft(stocked))
    for opener, first in (("Add widget", "Find a chart"), ("Preview", "Customer")):
        button = page.locator(".topbar").get_by_role("button", name=opener)
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label(first, exact=True)).to_be_focused()
        for _ in range(4):
            page.keyboard.press("Tab")
            assert page.evaluate("() => document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).not_to_be_attached()
        expect(button).to_be_focused()
    # The gallery by keys alone: what was added has the focus, ready to be moved.
    page.keyboard.press("Shift+Tab")
    page.locator(".topbar").get_by_role("button", name="Add widget").press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Find a chart", exact=True)).to_be_focused()
    page.keyboard.type("donut")
    expect(page.locator(".gallery-item")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(cell(page, "w_5")).to_be_focused()
    saved(page)


# --- Versions, copies, files ------------------------------------------------------------------------------------------


def test_versions_restore_duplicate_export_and_import(people: People, stocked: Organization, tmp_path: Path) -> None:
    dashboard = draft(stocked)
    stocked.publish(dashboard)
    stocked.admin.patch(f"/v1/dashboards/{dashboard}", {"widgets": [{**FOUR[0], "title": "Renamed"}, *FOUR[1:3]]}).expect(200)
    stocked.publish(dashboard)
    customer = stocked.session("acme", dashboard)
    page, _ = owner(people, stocked, dashboard)
    expect(page.locator(".topbar-live")).to_have_text("Version 2 is live")
    choose(page, "Versions")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".version")).to_have_count(2)
    expect(dialog).to_contain_text("The draft is the same")
    dialog.get_by_role("button", name=re.compile("^Version 1")).click()
    expect(dialog.locator(".diff-item")).to_have_count(2)
    shoot(page, "builder-versions", full=False)
    dialog.get_by_role("button", name="Restore into draft").click()
    expect(dialog).not_to_be_attached()
    expect(page.locator(".cell")).to_have_count(4)
    expect(page.locator(".topbar-live")).to_have_text("Ahead of version 2")
    assert titles(stocked, dashboard)[0] == "Title of w_1"
    assert [one["title"] for one in customer.dashboard()["widgets"]] == ["Renamed", "Title of w_2", "Title of w_3"]

    with page.expect_download() as download:
        choose(page, "Export JSON")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    config = json.loads(file.read_text())
    assert {name: kept(stocked, dashboard)[name] for name in config} == config
    # What the API takes as it is.
    made = stocked.admin.post("/v1/dashboards", {**config, "slug": "as-a-file"}).expect(201)
    assert made["widgets"] == config["widgets"]

    choose(page, "Duplicate")
    expect(page).not_to_have_url(re.compile(dashboard))
    page.locator(".workbench").wait_for()
    copy = page.url.rpartition("/")[2]
    assert kept(stocked, copy)["widgets"] == config["widgets"] and kept(stocked, copy)["status"] == "draft"

    file.write_text(json.dumps({**config, "name": "From a file", "widgets": config["widgets"][:1]}))
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".cell")).to_have_count(1)
    saved(page)
    imported = kept(stocked, copy)
    assert imported["name"] == "From a file" and imported["slug"] != config["slug"] and len(imported["widgets"]) == 1
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".cell")).to_have_count(4)
    file.write_text("[1, 2")
    page.locator("input[type=file]").set_input_files(file)
    toast(page, "", "bad")
    expect(page.locator(".cell")).to_have_count(4)
    saved(page)


def test_widgets_are_made_from_the_events(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked, [], name="By itself")
    before = len(stocked.admin.get("/v1/dashboards?limit=200").expect(200)["data"])
    page, _ = owner(people, stocked, dashboard)
    page.get_by_role("button", name="Make widgets from my events").click()
    page.locator(".cell").nth(3).wait_for()
    widgets = page.locator(".cell").count()
    answered(page, widgets)
    saved(page)
    assert len(kept(stocked, dashboard)["widgets"]) == widgets and kept(stocked, dashboard)["name"] == "By itself"
    eventually(lambda: len(stocked.admin.get("/v1/dashboards?limit=200").expect(200)["data"]), lambda count: count == before)


# --- On real data -----------------------------------------------------------------------------------------------------


def test_the_draft_is_seen_as_a_customer_with_permissions(people: People, stocked: Organization) -> None:
    filters = [PERIOD_FILTER, {"id": "f_2", "type": "multi_select", "dimension": "model"}, {"id": "f_3", "type": "select", "dimension": "region"}]
    page, _ = owner(people, stocked, draft(stocked, filters=filters))
    page.locator(".topbar").get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog")
    stage = dialog.locator(".preview-page")
    settled(stage, 4)
    assert kpi_number(stage, "w_1") == len(ACME) + len(GLOBEX)
    pick(page, dialog, "Customer", "acme")
    shows(stage, "w_1", len(ACME))
    expect(stage.get_by_role("button", name=re.compile("^Model"))).to_be_visible()
    dialog.get_by_label("Fixed filters").fill("model=small")
    shows(stage, "w_1", sum(one["string_props"]["model"] == "small" for one in ACME))
    expect(stage.get_by_role("button", name=re.compile("^Model"))).not_to_be_attached()
    dialog.locator(".preview-side").get_by_label("Title of w_2").check()
    settled(stage, 3)
    expect(stage.get_by_role("radio", name="24 hours")).to_be_visible()
    dialog.get_by_label("7d", exact=True).check()
    dialog.get_by_label("30d", exact=True).check()
    expect(stage.get_by_role("radio", name="24 hours")).not_to_be_attached()
    shoot(page, "builder-preview", full=False)
    dialog.get_by_role("radio", name="Phone").click()
    expect(stage).to_have_css("width", "360px")
    settled(stage, 3)
    shoot(page, "builder-preview-phone", full=False)
    # A line that is no filter is said where it stands.
    dialog.get_by_label("Fixed filters").fill("model")
    expect(dialog.locator(".field-error")).to_be_visible()


def test_fields_suggest_what_was_discovered_and_answer_at_once(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked, [FOUR[0], {**FOUR[3], "chart": "list"}])
    page, _ = owner(people, stocked, dashboard)
    answered(page, 2)
    pick(page, page.locator(".topbar"), "Data of", "globex")
    expect(cell(page, "w_1").locator(".kpi-value")).to_have_text(str(len(GLOBEX)))
    select(page, "w_4")
    panel = page.get_by_role("tabpanel")
    panel.get_by_role("combobox", name="Group by").click()
    expect(page.get_by_role("option", name=re.compile("^model"))).to_contain_text("5 values")
    page.get_by_role("option", name=re.compile("^region")).click()
    expect(cell(page, "w_4")).to_contain_text("asia")

    # A condition of the widget's own, with the values that were seen.
    panel.get_by_role("button", name="Add filter").click()
    pick(page, panel, "Property 1", "model")
    panel.get_by_role("combobox", name="Values").click()
    options = page.get_by_role("option").locator(".combo-name")
    expect(options).to_have_count(len(MODELS))
    assert set(options.all_inner_texts()) == set(MODELS)
    page.get_by_role("option", name=re.compile("^tiny")).click()
    wanted = sum(one["string_props"] == {"model": "tiny", "region": "eu"} for one in GLOBEX)
    row = cell(page, "w_4").locator("[data-value], li, tr, .list-row").filter(has_text="eu").first
    expect(row).to_contain_text(str(wanted))

    # A metric without its property says so, and asks nothing.
    select(page, "w_1")
    panel.get_by_label("Chart", exact=True).select_option(label="Gauge")
    panel.get_by_label("Metric", exact=True).select_option(label="p95")
    expect(panel.get_by_role("combobox", name="Property", exact=True)).to_have_value(re.compile("latency_ms|tokens"))
    panel.get_by_label("Format", exact=True).select_option(label="Duration")
    panel.get_by_label("Compare with").select_option(label="The period before")
    for value, color in (("100", "#0f7a4d"), ("300", "#b91c1c")):
        panel.get_by_role("button", name="Add threshold").click()
        number = panel.get_by_role("textbox", name=re.compile(r"^Thresholds \d")).last
        number.fill(value)
        panel.locator(".threshold-value + .grow .input").last.fill(color)
    answered(page, 2)
    shoot(page, "builder-thresholds", full=False)
    saved(page)
    first, second = kept(stocked, dashboard)["widgets"]
    assert first["options"]["thresholds"] == [{"value": 100, "color": "#0f7a4d"}, {"value": 300, "color": "#b91c1c"}]
    assert first["format"] == {"style": "duration", "unit": "ms"} and first["query"]["compare"] == "previous_period" and first["query"]["metric"] == "p95"
    assert second["query"]["group_by"] == "region" and second["query"]["filters"] == [{"dimension": "model", "op": "in", "values": ["tiny"]}]


def test_the_theme_warns_of_what_is_hard_to_read(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    page, watch = owner(people, stocked, dashboard)
    watch.expected = re.compile("status of 422")
    panel = tab(page, "Theme")
    expect(panel.locator(".note")).not_to_be_attached()
    panel.get_by_label("Text", exact=True).last.fill("#c8ccd4")
    expect(panel.locator(".note")).to_contain_text("Hard to read")
    expect(panel.locator(".note")).to_contain_text("Text on cards: contrast 1.6 : 1")
    shoot(page, "builder-contrast", full=False)
    panel.get_by_label("Text", exact=True).last.fill("#1f2937")
    expect(panel.locator(".note")).not_to_be_attached()
    panel.get_by_role("radio", name="Dark").click()
    expect(panel.locator(".note")).to_contain_text("Text on cards")
    panel.get_by_role("button", name="Midnight").click()
    expect(panel.locator(".note")).not_to_be_attached()
    expect(page.locator(".canvas")).to_have_css("background-color", "rgb(11, 18, 32)")
    panel.get_by_label("Logo").fill("http://example.com/logo.png")
    expect(panel.locator(".field-error")).to_be_visible()
    panel.get_by_label("Logo").fill("")
    saved(page)
    assert kept(stocked, dashboard)["theme"]["mode"] == "dark"


# --- Who may what -----------------------------------------------------------------------------------------------------


def test_members_look_and_editors_do_not_publish(people: People, stocked: Organization) -> None:
    dashboard = draft(stocked)
    member, editor = join(stocked, "member"), join(stocked, "editor")
    page, watch = people.signed_in(member.email, PASSWORD)
    people.builder(page, dashboard)
    answered(page, 4)
    bar = page.locator(".topbar")
    expect(bar).to_contain_text("Read only")
    for name in ("Add widget", "Publish", "Undo"):
        expect(bar.get_by_role("button", name=name, exact=True)).not_to_be_attached()
    select(page, "w_1")
    expect(page.get_by_role("tabpanel").get_by_label("Title")).to_be_disabled()
    before = place(page, "w_1")
    cell(page, "w_1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    assert place(page, "w_1") == before
    expect(page.get_by_label("Name of the dashboard")).not_to_be_editable()
    bar.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("menuitem")).to_have_text(["Versions", "Export JSON"])
    page.keyboard.press("Escape")
    shoot(page, "builder-member", full=False)
    assert not [line for line in watch.requests if line.startswith(("PUT", "PATCH", "DELETE"))]

    page, _ = people.signed_in(editor.email, PASSWORD)
    people.builder(page, dashboard)
    expect(page.locator(".topbar").get_by_role("button", name="Publish", exact=True)).not_to_be_attached()
    retitle(page, "w_1", "By an editor")
    saved(page)
    assert titles(stocked, dashboard)[0] == "By an editor"


# --- For everybody's eyes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_builder_is_accessible_everywhere(people: People, stocked: Organization, mode: str) -> None:
    theme = {"mode": "auto"}
    dashboard = draft(stocked, [*FOUR, {"id": "w_5", "title": "Load", "kind": "kpi", "chart": "gauge", "position": {"x": 3, "y": 2, "w": 3, "h": 3}, "query": FOUR[0]["query"], "options": {"target": 300}}], theme=theme)
    stocked.publish(dashboard)
    page, _ = owner(people, stocked, dashboard, viewport={"width": 1024, "height": 768}, color_scheme=mode)
    answered(page, 5)

    def look(name: str) -> None:
        shoot(page, f"builder-{mode}-{name}", full=False)
        # What stands in a chart's areas is looked at in test_charts.py, by their colours.
        page.locator(".gallery-picture").evaluate_all("pictures => pictures.forEach((picture) => { picture.hidden = true; })")
        # As a modal dialog makes what is behind it.
        page.locator(".topbar, .bench").evaluate_all("parts => parts.forEach((part) => { part.inert = document.querySelector('dialog[open]') !== null; })")
        assert violations(page, True) == [], name
        assert poor_contrast(page, whole=True) == [], name
        fits(page, name)
        page.locator(".topbar, .bench").evaluate_all("parts => parts.forEach((part) => { part.inert = false; })")

    select(page, "w_5")
    page.get_by_role("tabpanel").get_by_role("button", name="Add threshold").click()
    look("widget")
    tab(page, "Filters").get_by_role("button", name="Add filter").click()
    look("filters")
    tab(page, "Theme")
    look("theme")
    tab(page, "Dashboard")
    look("settings")
    page.locator(".topbar").get_by_role("button", name="Add widget").click()
    expect(page.locator('.gallery-item [data-widget^="picture_"]')).to_have_count(20)
    look("gallery")
    page.keyboard.press("Escape")
    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("dialog").locator(".diff-item").first).to_be_visible()
    look("publish")
    page.keyboard.press("Escape")
    choose(page, "Versions")
    expect(page.get_by_role("dialog").locator(".diff-item").first).to_be_visible()
    look("versions")
    page.keyboard.press("Escape")
    page.locator(".topbar").get_by_role("button", name="Preview").click()
    settled(page.locator(".preview-page"), 5)
    look("preview")
    page.keyboard.press("Escape")
    page.locator(".topbar").get_by_role("button", name="More", exact=True).click()
    look("menu")
