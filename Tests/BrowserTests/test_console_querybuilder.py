"""The query builder at /app/querybuilder, in Chromium, against the real server: by choice, in SQL, and both side by side."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from embantest.accessible import poor_contrast, violations
from embantest.browser import painted, shoot
from embantest.console import Console, calm, clipboard, fits, toast
from embantest.oracle import iso
from embantest.team import join
from embantest.workspace import Organization, event
from playwright.sync_api import Locator, Page, expect

#: Events of the last days by customer and model: small enough to count by hand.
COUNTS = {("acme", "gpt-4"): 12, ("acme", "claude"): 5, ("globex", "gpt-4"): 3}


@pytest.fixture(scope="module")
def asked(module_organization: Organization) -> Organization:
    now = datetime.now(timezone.utc)
    module_organization.ingest([
        event(tenant, timestamp=iso(now - timedelta(hours=index)), user_id=f"user-{index}", string_props={"model": model, "odd name": "yes"},
              numeric_props={"tokens": 10 * (index + 1)})
        for (tenant, model), number in COUNTS.items() for index in range(number)])
    module_organization.create_dashboard(name="Usage")
    return module_organization


def open_builder(console: Console, organization: Organization, mode: str = "SQL") -> Page:
    page = console.open(organization.login(), "/querybuilder")
    page.get_by_role("radiogroup", name="Mode").get_by_role("radio", name=mode, exact=True).click()
    if mode != "Visual":
        expect(page.locator(".CodeMirror")).to_be_visible()
        expect(page.locator(".tree-column").first).to_be_visible()
    return page


def write(page: Page, sql: str) -> None:
    """Instead of what stands in the editor; nothing is completed on the way."""
    editor = page.locator(".CodeMirror")
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    editor.evaluate("(element, text) => element.CodeMirror.setValue(text)", sql)


def text_of(page: Page) -> str:
    return page.locator(".CodeMirror").evaluate("element => element.CodeMirror.getValue()")


def run(page: Page, sql: str) -> Locator:
    """The rows of the answer to just this statement."""
    write(page, sql)
    with page.expect_response("**/v1/sql") as answer:
        page.keyboard.press("ControlOrMeta+Enter")
    assert answer.value.status == 200, answer.value.text()
    return page.locator(".results tbody tr")


def test_a_statement_is_written_run_and_copied(console: Console, asked: Organization) -> None:
    page = open_builder(console, asked)
    # An empty editor offers questions that run as they stand.
    for name in ("Events per day", "Most active customers", "The newest events"):
        if page.get_by_role("button", name=name).count():
            page.get_by_role("button", name=name).click()
            with page.expect_response("**/v1/sql") as answer:
                page.keyboard.press("ControlOrMeta+Enter")
            assert answer.value.status == 200, answer.value.text()
        page.reload()
        expect(page.locator(".tree-column").first).to_be_visible()
        expect(page.locator(".CodeMirror")).to_be_visible()
    rows = run(page, "SELECT tenant_id, string_props.model AS model, count() AS calls, sum(numeric_props.tokens) AS tokens, NULL AS nothing"
                     " FROM events GROUP BY tenant_id, model ORDER BY calls DESC")
    expect(rows).to_have_count(3)
    expect(rows.first.get_by_role("cell")).to_have_text(["acme", "gpt-4", "12", "780", "NULL"])
    heads = page.locator(".results th")
    expect(heads).to_have_text([re.compile("^tenant_idString"), re.compile("^modelString"), re.compile("^callsUInt64"), re.compile("^tokensFloat64"), re.compile("^nothing")])
    expect(heads.nth(2)).to_have_class("num")
    expect(page.locator(".section", has=page.get_by_role("heading", name="Results"))).to_contain_text(re.compile(r"3 rows · [\d.]+ ms"))
    page.get_by_role("button", name="Copy as CSV").click()
    toast(page, "Copied")
    found = list(csv.reader(io.StringIO(clipboard(page))))
    assert found[0] == ["tenant_id", "model", "calls", "tokens", "nothing"] and found[1] == ["acme", "gpt-4", "12", "780", ""]
    page.get_by_role("button", name="Copy as JSON").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('['))")
    assert json.loads(clipboard(page))[2] == {"tenant_id": "globex", "model": "gpt-4", "calls": 3, "tokens": 60, "nothing": None}
    shoot(page, "console-querybuilder-results")
    # What was run is kept, and comes back by a click.
    # Columns of one name are kept apart.
    expect(run(page, "SELECT count(), count() FROM events")).to_have_count(1)
    page.get_by_role("button", name="Copy as JSON").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('count()_2'))")
    page.get_by_role("radio", name="History").click()
    page.locator(".history-item", has_text="NULL AS nothing").click()
    assert "NULL AS nothing" in text_of(page)
    page.get_by_role("button", name="Clear history").click()
    expect(page.get_by_text("Queries that you run are kept here, in this browser.")).to_be_visible()


def test_what_is_wrong_is_marked_where_it_stands(console: Console, asked: Organization) -> None:
    page = open_builder(console, asked)
    for sql, word, place in [
        ("SELECT count(),\n  cout()\nFROM events", "cout", "Line 2, column 3"),
        ("SELECT model FROM events", "model", "Line 1, column 8"),
        ("SELECT 1; SELECT 2", "SELECT", "Line 1, column 11"),
        ("SELECT count() FROM events WHERE event_name = 'x", "'x", "Line 1, column 47"),
    ]:
        write(page, sql)
        with page.expect_response("**/v1/sql") as answer:
            page.get_by_role("button", name="Run").click()
        assert answer.value.status == 422
        expect(page.locator(".note.bad")).to_contain_text(place)
        expect(page.locator(".sql-wrong")).to_have_text(word)
        # The cursor stands there, ready to mend it; the mark goes with the first letter.
        expect(page.locator(".CodeMirror-focused")).to_be_visible()
        page.keyboard.type("x")
        page.keyboard.press("Escape")
        expect(page.locator(".sql-wrong")).to_have_count(0)
    shoot(page, "console-querybuilder-error")
    # What is foreign is refused in words, and nothing of it is shown.
    for sql in ("SELECT * FROM system.tables", "SELECT * FROM url('http://127.0.0.1/')", "SELECT * FROM events SETTINGS max_threads = 1"):
        write(page, sql)
        with page.expect_response("**/v1/sql") as answer:
            page.keyboard.press("ControlOrMeta+Enter")
        assert answer.value.status == 422 and answer.value.json()["code"] in ("sql_not_allowed", "sql_invalid")
        expect(page.locator(".note.bad .note-text")).to_have_text(answer.value.json()["message"])


def test_columns_are_completed_inserted_and_described(console: Console, asked: Organization) -> None:
    page = open_builder(console, asked)
    write(page, "")
    page.keyboard.type("SELECT mod")
    expect(page.locator(".CodeMirror-hint").first).to_contain_text("string_props.model")
    page.keyboard.press("Enter")
    assert text_of(page) == "SELECT string_props.model"
    # The tree puts in what the server calls the column, in backticks where it needs them.
    page.keyboard.type(", ")
    page.keyboard.press("Escape")
    page.locator(".tree details", has_text="api.call").get_by_role("button", name=re.compile("odd name")).click()
    assert text_of(page).startswith("SELECT string_props.model, ") and "`" in text_of(page)
    page.keyboard.type(" FROM events LIMIT 1")
    page.keyboard.press("Escape")
    with page.expect_response("**/v1/sql") as answer:
        page.keyboard.press("ControlOrMeta+Enter")
    assert answer.value.status == 200, answer.value.text()
    page.get_by_role("button", name="DDL: events").click()
    expect(page.get_by_role("dialog")).to_contain_text("CREATE TABLE events")
    page.keyboard.press("Escape")
    write(page, "select count() as c from events where tenant_id='acme' group by event_name limit 10")
    page.get_by_role("button", name="Format").click()
    formatted = "SELECT count() AS c\nFROM events\nWHERE tenant_id = 'acme'\nGROUP BY event_name\nLIMIT 10"
    page.wait_for_function("text => document.querySelector('.CodeMirror').CodeMirror.getValue() === text", arg=formatted)
    # Tab leads out of the editor, for whoever has no mouse.
    page.locator(".CodeMirror").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".CodeMirror-focused")).to_have_count(0)


def test_a_long_statement_is_cancelled(console: Console, asked: Organization) -> None:
    page = open_builder(console, asked)
    write(page, "SELECT count() FROM events AS a, events AS b, events AS c, events AS d, events AS e, events AS f, events AS g, events AS h")
    with page.expect_request("**/v1/sql"):
        page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    expect(page.locator(".note.bad")).to_have_count(0)
    expect(run(page, "SELECT 41 + 1").first).to_have_text("42")


def test_a_question_by_choice_becomes_sql_and_a_widget(console: Console, asked: Organization) -> None:
    page = open_builder(console, asked, "Visual")
    calm(page)
    expect(page.locator(".query-chart [data-widget][data-status=ok]")).to_be_visible()
    expect(page.locator(".CodeMirror")).to_have_count(0)
    page.get_by_label("Chart", exact=True).select_option(label="Donut")
    expect(page.locator(".query-chart [data-widget][data-status=ok]")).to_contain_text("claude")
    page.get_by_role("button", name="As SQL").click()
    # The SQL side comes into view with the question as a statement that runs, and counts the same.
    expect(page.locator(".CodeMirror")).to_be_visible()
    assert "GROUP BY" in text_of(page)
    with page.expect_response("**/v1/sql") as answer:
        page.get_by_role("button", name="Run").click()
    assert answer.value.status == 200, answer.value.text()
    assert sorted(row[-1] for row in answer.value.json()["rows"]) == [5, 15]
    painted(page)
    shoot(page, "console-querybuilder-split")
    page.get_by_role("button", name="Save as widget").click()
    page.get_by_role("dialog").get_by_label("Dashboard", exact=True).select_option(label="New dashboard…")
    page.get_by_label("Name of the dashboard").fill("From a question")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile("/app/dashboards/dash_"))
    made = asked.admin.get(f"/v1/dashboards/{page.url.rsplit('/', 1)[1]}").expect(200)
    assert made["name"] == "From a question" and [one["chart"] for one in made["widgets"]] == ["donut"]
    # And one more into the same, at a free place.
    page.goto(f"{console.base}/querybuilder")
    page.get_by_role("button", name="Save as widget").click()
    page.get_by_role("dialog").get_by_label("Dashboard", exact=True).select_option(label="From a question")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile("/app/dashboards/dash_"))
    widgets = asked.admin.get(f"/v1/dashboards/{made['id']}").expect(200)["widgets"]
    assert len(widgets) == 2 and len({one["id"] for one in widgets}) == 2


def test_sql_is_for_owners_and_admins(console: Console, asked: Organization) -> None:
    for role in ("editor", "member"):
        page = console.open(join(asked, role).client, "/querybuilder")
        expect(page.get_by_text("Your role does not allow this")).to_be_visible()
        expect(page.locator(".CodeMirror")).to_have_count(0)
        expect(page.get_by_role("link", name="Query builder")).to_have_count(0)
    admin = console.open(join(asked, "admin").client, "/querybuilder")
    expect(admin.get_by_role("radiogroup", name="Mode")).to_be_visible()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_results_can_be_read_by_everybody(console: Console, asked: Organization, mode: str) -> None:
    page = open_builder(console, asked)
    page.emulate_media(color_scheme=mode)
    rows = run(page, "SELECT timestamp, tenant_id, event_name, string_props, numeric_props.tokens AS tokens FROM events ORDER BY tokens DESC, tenant_id LIMIT 8")
    expect(rows).to_have_count(8)
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        calm(page)
        fits(page)
        shoot(page, f"console-querybuilder-results-{mode}-{width}")
        assert violations(page, whole=True) == []
        assert poor_contrast(page, whole=True) == []
