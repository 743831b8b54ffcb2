"""Viewers who arrange a dashboard and add widgets of their own, in the element and in a frame; and pages that hear of their session's end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from embantest.browser import HostPage, card, kpi_number, settled
from embantest.stage import WIDGETS, Stage
from embantest.steady import eventually
from embantest.workspace import Session
from playwright.sync_api import Locator, Page, expect
from test_accessibility import NAMED, nameless, poor_contrast

Hosts = Callable[[], HostPage]

ALL = {"allow_customize_layout": True, "allow_manage_widgets": True}


def viewer(stage: Stage, user: str, tenant: str = "acme", permissions: dict[str, Any] | None = None) -> Session:
    return stage.session(tenant, permissions=ALL if permissions is None else permissions, context={"userId": user})


def opened(stage: Stage, session: Session, widgets: int = 9, **options: Any) -> Page:
    page, _ = stage.page(**options)
    page.goto(session.embed_url)
    settled(page, widgets)
    return page


def place(page: Page, widget: str) -> list[str]:
    return card(page, widget).evaluate("card => [card.style.gridColumn, card.style.gridRow]")


def grip(page: Page, widget: str) -> Locator:
    return card(page, widget).locator(".edit-grip")


def positions(session: Session) -> dict[str, dict[str, int]]:
    return session.client.get("/v1/embed/layout").expect(200)["positions"]


def test_a_card_is_dragged_resized_and_kept_for_this_viewer_alone(stage: Stage) -> None:
    session = viewer(stage, "dragger")
    # Cards that glide to their places are nowhere that a mouse could be sent to.
    page = opened(stage, session, reduced_motion="reduce")
    before = place(page, "w_time")
    page.get_by_role("button", name="Edit layout").click()
    assert place(page, "w_time") == before, "nothing moves when editing begins"
    box = card(page, "w_time").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 150, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] - 120, steps=6)
    page.mouse.move(box["x"] + 150, box["y"] - 160, steps=6)
    page.mouse.up()
    expect(page.locator("emban-dashboard .root > [role=status]")).to_contain_text("Calls over time: column 1, row 1")
    corner = card(page, "w_models").locator(".edit-corner").bounding_box()
    assert corner is not None
    page.mouse.move(corner["x"] + 14, corner["y"] + 14)
    page.mouse.down()
    page.mouse.move(corner["x"] + 14, corner["y"] + 14 + 200, steps=6)
    page.mouse.up()
    with page.expect_response(lambda response: response.request.method == "PUT") as saved:
        page.get_by_role("button", name="Save layout").click()
    assert saved.value.status == 200
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()
    kept = positions(session)
    assert kept["w_time"] == {"x": 0, "y": 0, "w": 8, "h": 4}
    assert kept["w_models"]["h"] == 6
    shown = place(page, "w_time")
    # Another session of the same viewer; then another viewer, and the same name at another customer.
    assert place(opened(stage, viewer(stage, "dragger")), "w_time") == shown
    for other in (viewer(stage, "somebody"), viewer(stage, "dragger", "globex")):
        assert place(opened(stage, other), "w_time") == before
    page.get_by_role("button", name="Edit layout").click()
    page.get_by_role("button", name="Reset to original").click()
    expect(page.get_by_role("button", name="Edit layout")).to_be_visible()
    page.wait_for_function("""before => {
      const card = document.querySelector('emban-dashboard').shadowRoot.querySelector('[data-widget=w_time]');
      return card && card.style.gridColumn === before[0] && card.style.gridRow === before[1];
    }""", arg=before)


def test_the_keyboard_does_all_that_the_mouse_does(stage: Stage) -> None:
    session = viewer(stage, "typist")
    page = opened(stage, session)
    page.get_by_role("button", name="Edit layout").focus()
    page.keyboard.press("Enter")
    expect(grip(page, "w_calls")).to_be_focused()
    said = page.locator("emban-dashboard .root > [role=status]")
    page.keyboard.press("Shift+ArrowRight")
    expect(said).to_have_text("API calls: column 1, row 1, 5 wide, 2 high")
    page.keyboard.press("Shift+ArrowDown")
    expect(said).to_have_text("API calls: column 1, row 1, 5 wide, 3 high")
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("API calls: column 1, row")
    assert "row 1," not in said.inner_text()
    page.keyboard.press("ArrowUp")
    assert nameless(page, NAMED) == []
    assert poor_contrast(page) == []
    before = place(page, "w_time")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()
    assert place(page, "w_time") != before or positions(session)["w_calls"] == {"x": 0, "y": 0, "w": 4, "h": 2}, "given up: nothing is kept"
    assert not session.client.get("/v1/embed/layout").expect(200)["customized"]


def test_who_reads_by_tab_key_or_ear_meets_the_cards_as_they_stand(stage: Stage) -> None:
    session = viewer(stage, "reader")
    page = opened(stage, session)
    order = "[...document.querySelector('emban-dashboard').shadowRoot.querySelectorAll('[data-widget]')].map(card => card.dataset.widget)"
    before = page.evaluate(order)
    page.get_by_role("button", name="Edit layout").click()
    grip(page, before[0]).focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    with page.expect_response(lambda response: response.request.method == "PUT"):
        page.get_by_role("button", name="Save layout").click()
    expect(page.get_by_role("button", name="Edit layout")).to_be_focused()
    kept = positions(session)
    as_placed = sorted(kept, key=lambda widget: (kept[widget]["y"], kept[widget]["x"]))
    assert page.evaluate(order) == as_placed != before
    assert opened(stage, viewer(stage, "reader")).evaluate(order) == as_placed


def test_a_widget_of_ones_own(stage: Stage) -> None:
    session = viewer(stage, "maker")
    page = opened(stage, session)
    page.get_by_role("button", name="Add widget").click()
    dialog = page.get_by_role("dialog", name="Add a widget")
    dialog.get_by_label("Event").select_option("api.call")
    assert nameless(page, NAMED) == []
    dialog.get_by_label("Measure").select_option("sum")
    dialog.get_by_label("Of", exact=True).select_option("tokens")
    dialog.get_by_label("Group by").select_option("model")
    dialog.get_by_text("Table", exact=True).click()
    dialog.get_by_label("Title").fill("My tokens")
    assert poor_contrast(page) == []
    dialog.get_by_role("button", name="Add to dashboard").click()
    expect(dialog).to_have_count(0)
    settled(page, 10)
    own = page.locator('[data-widget^="w_own_"]')
    expect(own).to_contain_text("My tokens")
    identifier = own.get_attribute("data-widget")
    assert identifier is not None
    rows = session.result(identifier, {"period": "30d"})["rows"]
    assert len(rows) == 3
    assert own.locator("tbody tr").count() == 3
    # Only this viewer has it.
    assert opened(stage, viewer(stage, "other")).locator('[data-widget^="w_own_"]').count() == 0
    again = opened(stage, viewer(stage, "maker"), 10)
    again.get_by_role("button", name="Menu: My tokens").click()
    again.get_by_role("menuitem", name="Remove widget").click()
    settled(again, 9)
    assert session.client.get("/v1/embed/own-widgets").expect(200)["data"] == []


def test_in_a_frame_too(stage: Stage, host_page: Hosts) -> None:
    session = viewer(stage, "framed")
    host = host_page()
    page, _ = stage.page(host=host)
    page.goto(host.serve(
        f"<div id=analytics></div><script>Emban.create({{container: '#analytics', embedUrl: {session.embed_url!r}}})</script>",
        f'<script src="{stage.origin}/sdk/emban-embed.js"></script>'))
    page.locator("#analytics iframe").wait_for()
    handle = page.locator("#analytics iframe").element_handle()
    frame = handle.content_frame() if handle else None
    assert frame is not None
    settled(frame)
    frame.get_by_role("button", name="Add widget").click()
    dialog = frame.get_by_role("dialog", name="Add a widget")
    dialog.get_by_role("button", name="Add to dashboard").click()
    settled(frame, 10)
    frame.get_by_role("button", name="Edit layout").click()
    frame.get_by_role("button", name="Cancel").click()
    expect(frame.get_by_role("button", name="Edit layout")).to_be_focused()


def test_without_the_permissions_there_is_nothing(stage: Stage) -> None:
    for permissions, edit, add in (({}, 0, 0), ({"allow_customize_layout": True}, 1, 0), ({"allow_manage_widgets": True}, 0, 1)):
        page = opened(stage, viewer(stage, "bare", permissions=permissions))
        expect(page.get_by_role("button", name="Edit layout")).to_have_count(edit)
        expect(page.get_by_role("button", name="Add widget")).to_have_count(add)
    page = opened(stage, viewer(stage, "phone"), viewport={"width": 390, "height": 800})
    expect(page.get_by_role("button", name="Edit layout")).to_have_count(0)
    expect(page.get_by_role("button", name="Add widget")).to_be_visible()


def test_the_next_customer_meets_neither_the_editor_nor_the_colours_of_the_former_one(stage: Stage, host_page: Hosts) -> None:
    """The former one's only model would keep the first colour of the palette from those of the next."""
    former, following = viewer(stage, "former", tenant="evil"), viewer(stage, "following")

    def host(session: Session) -> Page:
        made = host_page()
        page, _ = stage.page(host=made)
        page.goto(made.serve(f'<emban-dashboard token="{session.token}"></emban-dashboard>', f'<script src="{stage.origin}/sdk/emban-dashboard.js"></script>'))
        settled(page, 9)
        return page

    def colours(page: Page) -> list[str]:
        swatches = card(page, "w_by_model").locator(".legend .swatch")
        expect(swatches).to_have_count(3)
        return swatches.evaluate_all("swatches => swatches.map((swatch) => getComputedStyle(swatch).getPropertyValue('--swatch'))")

    fresh = colours(host(following))
    page = host(former)
    expect(card(page, "w_by_model").locator(".legend .swatch, svg").first).to_be_visible()
    page.get_by_role("button", name="Edit layout").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.locator("emban-dashboard").evaluate("(element, token) => element.setAttribute('token', token)", following.token)
    assert colours(page) == fresh
    settled(page, 9)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_role("button", name="Edit layout")).to_be_enabled()
    assert card(page, "w_time").locator(".edit-grip").count() == 0


def test_rows_are_not_offered_without_allow_underlying_data(stage: Stage) -> None:
    page = opened(stage, stage.session(permissions={"allow_underlying_data": False}))
    card(page, "w_calls").get_by_role("button", name="Menu: API calls").click()
    page.get_by_role("menuitem", name="Show details").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("tab", name="Events")).to_have_count(0)


def test_a_page_that_is_not_live_hears_at_once_that_its_session_was_withdrawn(stage: Stage) -> None:
    session = stage.session()
    page, watch = stage.page()
    watch.expected = re.compile("401")
    page.goto(session.embed_url)
    settled(page)
    eventually(lambda: page.wait_for_timeout(20) or any("only=session" in line for line in watch.requests), what="the page listens")
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
    expect(page.get_by_role("alert")).to_contain_text("Session ended")
    assert page.locator("[data-widget]").count() == 0


def test_a_token_of_a_data_app_opens_the_dashboard_that_the_element_names(stage: Stage, host_page: Hosts) -> None:
    second = stage.organization.create_dashboard(WIDGETS[:2], name="Second", publish=True)
    stage.organization.admin.post("/v1/data-apps", {"name": "my-app", "dashboards": [stage.dashboard, second["id"]]}).expect(201)
    token = stage.organization.admin.post("/api/v2/guest-token/create", {"clientId": "acme", "dataAppName": "my-app"}).expect(200)["token"]
    host = host_page()
    page, _ = stage.page(host=host)
    body = "".join(f'<dbn-dashboard token="{token}" dashboard-id="{name}"></dbn-dashboard>' for name in (second["slug"], stage.dashboard))
    page.goto(host.serve(f"<main>{body}</main>", f'<script type="module" src="{stage.origin}/web-components/dbn-dashboard.js"></script>'))
    settled(page, 11)
    one, other = page.locator("dbn-dashboard").nth(0), page.locator("dbn-dashboard").nth(1)
    assert one.locator("[data-widget]").count() == 2
    assert kpi_number(one, "w_calls") == kpi_number(other, "w_calls") == stage.session().value("w_calls", {"period": "30d"})
    one.evaluate("(element, id) => element.setAttribute('dashboard-id', id)", stage.dashboard)
    settled(one, 9)
