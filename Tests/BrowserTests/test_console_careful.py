"""The builder with hands that are quicker, files that are shorter and windows that are more than it would like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.building import PERIOD_FILTER, People, add, answered, cell, drag, is_at, saved, select, tab, usage
from embantest.console import toast
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.workspace import PASSWORD, Organization
from playwright.sync_api import Browser, Page, expect

Json = dict[str, Any]


def stat(widget_id: str, x: int = 0, y: int = 0, **query: Any) -> Json:
    return {"id": widget_id, "title": f"Title of {widget_id}", "kind": "kpi", "chart": "stat", "position": {"x": x, "y": y, "w": 3, "h": 2},
            "query": {"event_name": "api.call", "metric": "count", "period": "30d", **query}}


THREE = [
    stat("w_1"), stat("w_2", 3),
    {**stat("w_3", 6, metric="count", group_by="model", filters=[{"dimension": "region", "op": "neq", "values": ["eu"]}]), "kind": "breakdown", "chart": "list",
     "position": {"x": 6, "y": 0, "w": 6, "h": 4}},
]


@pytest.fixture
def people(emban: EmbanProcess, browser: Browser) -> Iterator[People]:
    made = People(emban, browser)
    yield made
    made.check()


@pytest.fixture(scope="module")
def stocked(module_organization: Organization) -> Organization:
    module_organization.ingest(usage("acme", 60))
    return module_organization


def opened(people: People, organization: Organization, expected: str = "^$") -> tuple[Page, str]:
    """A draft of three widgets in the builder, with all answers there."""
    dashboard = organization.create_dashboard(THREE, name="Usage", filters=[PERIOD_FILTER])["id"]
    page, watch = people.signed_in(organization.email, PASSWORD)
    watch.expected = re.compile(expected)
    people.builder(page, dashboard)
    answered(page, 3)
    return page, dashboard


def kept(organization: Organization, dashboard: str) -> Json:
    return organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)


def test_loading_anew_right_after_a_change_is_no_conflict_with_oneself(people: People, stocked: Organization) -> None:
    # Where the page is back before its last change has arrived, the server refuses the second one of both.
    page, dashboard = opened(people, stocked, "status of 409")
    add(page, "kpi/gauge")
    page.reload()
    page.locator(".workbench").wait_for()
    expect(page.locator(".cell")).to_have_count(4)
    eventually(lambda: len(kept(stocked, dashboard)["widgets"]), lambda count: count == 4)
    saved(page)
    expect(page.locator(".trouble")).not_to_be_attached()
    answered(page, 4)


def test_a_question_that_comes_while_others_are_on_their_way_is_asked(people: People, stocked: Organization) -> None:
    dashboard = stocked.create_dashboard([stat(f"w_{index}", index % 4 * 3, index // 4 * 2, period=period) for index, period in enumerate(("24h", "7d", "90d", "12mo", "1h"))], name="Five")["id"]
    page, _ = people.signed_in(stocked.email, PASSWORD)
    held: list[Any] = []
    is_open = False
    page.route("**/v1/query", lambda route: route.continue_() if is_open else held.append(route))
    people.builder(page, dashboard)
    eventually(lambda: (page.wait_for_timeout(20), len(held))[1], lambda count: count == 4, pause=0)
    add(page, "kpi/stat")
    saved(page)
    is_open = True
    for route in held:
        route.continue_()
    answered(page, 6)


def test_files_may_leave_out_what_the_server_fills_in(people: People, stocked: Organization, tmp_path: Path) -> None:
    page, dashboard = opened(people, stocked, "status of 422")
    slug = kept(stocked, dashboard)["slug"]
    file = tmp_path / "short.json"

    def imported(config: Json) -> None:
        file.write_text(json.dumps(config))
        page.locator("input[type=file]").set_input_files(file)

    conditions = [{"dimension": "region", "op": "eq", "value": "eu"}, {"property": "tokens", "op": "between", "min": 1, "max": 5000}]
    imported({"name": "Short", "slug": "of-the-file", "widgets": [
        {"id": "a", "kind": "kpi", "query": {"metric": "count"}},
        {"id": "b", "kind": "breakdown", "position": {"x": 4, "y": 0, "w": 8, "h": 4}, "query": {"metric": "count", "group_by": "model", "filters": conditions}},
    ]})
    expect(page.locator(".cell")).to_have_count(2)
    answered(page, 2)
    saved(page)
    assert [(one["id"], one["chart"]) for one in kept(stocked, dashboard)["widgets"]] == [("a", "stat"), ("b", "bar")]
    assert kept(stocked, dashboard)["slug"] == slug
    select(page, "b")
    expect(page.get_by_role("tabpanel").locator(".chip")).to_have_text(re.compile("^eu"))

    # What it refuses is said, and changes nothing.
    imported({"name": "Wrong", "widgets": {}})
    toast(page, "widgets", "bad")
    expect(page.locator(".cell")).to_have_count(2)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".cell")).to_have_count(3)
    saved(page)
    page.reload()
    answered(page, 3)


def test_what_is_typed_counts_before_it_is_a_whole_condition_or_place(people: People, stocked: Organization) -> None:
    page, dashboard = opened(people, stocked)
    panel = page.get_by_role("tabpanel")
    select(page, "w_3")
    # A second value: "is not" becomes "is none of".
    values = panel.get_by_role("combobox", name="Values")
    values.fill("us")
    values.press("Enter")
    expect(values).to_be_focused()
    saved(page)
    assert kept(stocked, dashboard)["widgets"][2]["query"]["filters"] == [{"dimension": "region", "op": "not_in", "values": ["eu", "us"]}]
    # A condition without a value stands in nobody's way, and one that is being typed is not lost by choosing another card.
    panel.get_by_role("button", name="Add filter").click()
    panel.get_by_label("Title").fill("Renamed meanwhile")
    eventually(lambda: kept(stocked, dashboard)["widgets"][2], lambda widget: widget["title"] == "Renamed meanwhile" and len(widget["query"]["filters"]) == 1)
    expect(page.locator(".trouble")).not_to_be_attached()
    property_ = panel.get_by_role("combobox", name="Property 2")
    property_.fill("model")
    property_.press("Enter")
    panel.get_by_role("combobox", name="Values").last.fill("tiny")
    select(page, "w_1")
    eventually(lambda: kept(stocked, dashboard)["widgets"][2]["query"]["filters"], lambda filters: filters[1:] == [{"dimension": "model", "op": "in", "values": ["tiny"]}])

    select(page, "w_3")
    panel.get_by_role("combobox", name="Values").last.fill("huge")
    page.keyboard.press("Control+s")
    eventually(lambda: kept(stocked, dashboard)["widgets"][2]["query"]["filters"], lambda filters: filters[1:] == [{"dimension": "model", "op": "in", "values": ["tiny", "huge"]}])
    select(page, "w_1")

    # A place that was typed is one of the grid, and who stood there makes way.
    panel.get_by_role("button", name="Position").click()
    width = panel.get_by_label("Width")
    width.fill("13")
    is_at(page, "w_1", (0, 0, 3, 2))
    width.press("Enter")
    is_at(page, "w_1", (0, 0, 12, 2))
    is_at(page, "w_2", (3, 2, 3, 2))
    expect(width).to_have_value("12")
    page.keyboard.press("Control+s")
    saved(page)
    assert kept(stocked, dashboard)["widgets"][0]["position"] == {"x": 0, "y": 0, "w": 12, "h": 2}

    # What is out of bounds becomes what is within, for all to see; and a dashboard is not without an address.
    panel = tab(page, "Dashboard")
    height, slug = panel.get_by_label("Row height"), panel.get_by_label("Name in addresses")
    own = slug.input_value()
    height.fill("800")
    slug.fill("")
    expect(height).to_have_value("400")
    height.focus()
    expect(slug).to_have_value(own)
    saved(page)
    assert kept(stocked, dashboard)["layout"]["row_height"] == 400 and kept(stocked, dashboard)["slug"] == own


def test_a_card_that_is_removed_out_of_the_hand_leaves_the_others_to_be_taken(people: People, stocked: Organization) -> None:
    page, dashboard = opened(people, stocked)
    drag(page, "w_1", 1, 1, drop=False)
    page.keyboard.press("Delete")
    expect(cell(page, "w_1")).not_to_be_attached()
    expect(page.locator(".canvas-grid[data-dragging]")).not_to_be_attached()
    page.mouse.up()
    select(page, "w_2")
    drag(page, "w_2", 1, 0)
    is_at(page, "w_2", (4, 0, 3, 2))
    saved(page)
    assert [one["id"] for one in kept(stocked, dashboard)["widgets"]] == ["w_2", "w_3"]


def test_a_publication_that_comes_second_shows_what_the_first_one_saw(people: People, stocked: Organization) -> None:
    page, dashboard = opened(people, stocked, "status of 409")
    stocked.publish(dashboard)
    page.reload()
    answered(page, 3)
    cell(page, "w_2").focus()
    page.keyboard.press("Delete")
    saved(page)
    page.locator(".topbar").get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".diff-list .diff-item")).to_have_count(1)
    widgets = kept(stocked, dashboard)["widgets"]
    stocked.admin.patch(f"/v1/dashboards/{dashboard}", {"widgets": [{**widgets[0], "title": "Theirs"}, *widgets[1:]]}).expect(200)
    dialog.get_by_role("button", name="Publish version 2").click()
    expect(dialog.locator(".diff-list .diff-item")).to_have_count(2)
    expect(dialog).to_contain_text("Theirs")
    dialog.get_by_role("button", name="Publish version 2").click()
    expect(dialog).not_to_be_attached()
    expect(page.locator(".topbar-live")).to_have_text("Version 2 is live")
    expect(cell(page, "w_1")).to_contain_text("Theirs")
