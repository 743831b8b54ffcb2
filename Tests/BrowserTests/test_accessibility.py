"""What people who use no mouse, no colours or no eyes meet: names, roles, contrast, keyboard order, motion."""

from __future__ import annotations

import json
from typing import Any

import pytest
from embantest import accessible
from embantest.browser import card, settled
from embantest.stage import Stage
from playwright.sync_api import Page, Route, expect

INTERACTIVE = {"button", "link", "textbox", "searchbox", "combobox", "listbox", "option", "radio", "radiogroup", "checkbox", "spinbutton", "slider", "switch",
               "tab", "menuitem", "Date"}
NAMED = INTERACTIVE | {"heading", "img", "image", "region", "dialog", "group", "progressbar", "progressIndicator", "columnheader", "rowheader"}

#: Goes through the shadow root of the dashboard: `find(selector)`, `all(selector)`.
ROOT = """
  const root = document.querySelector('emban-dashboard').shadowRoot;
  const find = (selector) => root.querySelector(selector);
  const all = (selector) => Array.from(root.querySelectorAll(selector));
"""


def opened(stage: Stage, permissions: dict[str, Any] | None = None, **options: Any) -> Page:
    page, _ = stage.page(**options)
    page.goto(stage.session(permissions=permissions).embed_url)
    settled(page)
    page.wait_for_timeout(300)
    return page


def tree(page: Page) -> list[dict[str, Any]]:
    """Chromium's own accessibility tree: role, name and properties of every node that is not ignored."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        {"role": node["role"]["value"], "name": node.get("name", {}).get("value", ""),
         **{entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}}
        for node in nodes if not node.get("ignored")]


def nameless(page: Page, roles: set[str]) -> list[dict[str, Any]]:
    return [node for node in tree(page) if node["role"] in roles and not str(node["name"]).strip()]


def poor_contrast(page: Page) -> list[str]:
    return accessible.poor_contrast(page, least=20)


def open_filter(page: Page, name: str) -> None:
    page.get_by_role("group", name="Filters", exact=True).get_by_role("button", name=name).click()


def test_everything_has_a_name(stage: Stage) -> None:
    page = opened(stage)
    nodes = tree(page)
    roles = {node["role"] for node in nodes}
    assert {"main", "heading", "button", "radio", "image", "table", "progressbar"} <= roles | ({"progressbar"} if "progressIndicator" in roles else set()), roles
    assert nameless(page, NAMED) == []
    assert len({node["name"] for node in nodes if node["role"] == "button" and node["name"].startswith("View as")}) == 4, "buttons say for which chart they are"
    for name in ("Model", "Latency", "Dates"):
        open_filter(page, name)
        page.wait_for_timeout(300)
        assert nameless(page, NAMED) == [], name
        page.keyboard.press("Escape")
    assert page.locator("html").get_attribute("lang") and page.title()


def test_headings_are_in_order(stage: Stage) -> None:
    page = opened(stage)
    levels = page.evaluate(f"() => {{ {ROOT} return all('h1, h2, h3, h4').map((heading) => Number(heading.tagName[1])); }}")
    assert levels[0] <= 2 and levels.count(min(levels)) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def test_the_list_of_values(stage: Stage) -> None:
    page = opened(stage)
    trigger = page.get_by_role("group", name="Filters", exact=True).get_by_role("button", name="Model")
    expect(trigger).to_have_attribute("aria-expanded", "false")
    expect(trigger).to_have_attribute("aria-haspopup", "dialog")
    trigger.focus()
    page.keyboard.press("Enter")
    expect(trigger).to_have_attribute("aria-expanded", "true")
    page.get_by_role("option").first.wait_for()
    state = page.evaluate(f"""() => {{ {ROOT}
      const trigger = find('[data-filter=f_model] .field'), panel = root.getElementById(trigger.getAttribute('aria-controls'));
      const search = panel.querySelector('[role=combobox]'), list = root.getElementById(search.getAttribute('aria-controls'));
      return {{ panel: panel.getAttribute('role'), label: panel.getAttribute('aria-label'), inside: panel.contains(list), role: list.getAttribute('role'),
        several: list.getAttribute('aria-multiselectable'), options: Array.from(list.children).map((option) => [option.getAttribute('role'), option.getAttribute('aria-selected')]),
        focus: root.activeElement === search, expanded: search.getAttribute('aria-expanded') }}; }}""")
    assert (state["panel"], state["label"], state["inside"], state["role"], state["several"]) == ("dialog", "Model", True, "listbox", "true")
    assert state["focus"] and state["expanded"] == "true"
    assert state["options"] == [["option", "false"]] * 3
    page.keyboard.press("ArrowDown")
    active = f"""() => {{ {ROOT} const option = root.getElementById(find('[data-filter=f_model] [role=combobox]').getAttribute('aria-activedescendant'));
      return option && [option.getAttribute('role'), option.getAttribute('aria-selected')]; }}"""
    assert page.evaluate(active) == ["option", "false"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("option", selected=True)).to_have_count(1)
    assert page.evaluate(active) == ["option", "true"]
    page.keyboard.press("Escape")
    expect(trigger).to_have_attribute("aria-expanded", "false")
    expect(trigger).to_be_focused()
    assert page.evaluate(f"() => {{ {ROOT} return find('[data-filter=f_model] .panel').checkVisibility(); }}") is False
    settled(page)


def test_forms_say_what_is_wrong(stage: Stage) -> None:
    page = opened(stage)
    open_filter(page, "Latency")
    page.get_by_label("Min").fill("9")
    page.get_by_label("Max").fill("3")
    page.keyboard.press("Enter")
    state = page.evaluate(f"""() => {{ {ROOT} const input = find('[data-filter=f_latency] input'), problem = root.getElementById(input.getAttribute('aria-describedby'));
      return [input.getAttribute('aria-invalid'), problem.getAttribute('role'), problem.textContent, root.activeElement === input]; }}""")
    assert state[0] == "true" and state[1] == "alert" and state[2] and state[3]


def test_tables_have_headers_with_scope(stage: Stage) -> None:
    page = opened(stage)
    page.get_by_role("button", name="View as table: Calls over time").click()
    page.get_by_role("button", name="View as table: Calls by model").click()
    tables = page.evaluate(f"""() => {{ {ROOT} return all('table').map((table) => ({{
      columns: Array.from(table.tHead.rows[0].cells).map((cell) => [cell.tagName, cell.scope]),
      rows: Array.from(table.tBodies[0].rows).map((row) => [row.cells[0].tagName, row.cells[0].scope]),
      region: [table.closest('[role=region]')?.tabIndex, table.closest('[role=region]')?.getAttribute('aria-label')] }})); }}""")
    assert len(tables) == 3
    for table in tables:
        assert table["columns"] and all(cell == ["TH", "col"] for cell in table["columns"])
        assert table["rows"] and all(cell == ["TH", "row"] for cell in table["rows"])
        assert table["region"][0] == 0 and table["region"][1]
    heads = card(page, "w_table").locator("thead th")
    expect(heads.nth(1)).to_have_attribute("aria-sort", "none")
    heads.nth(1).get_by_role("button").press("Enter")
    expect(heads.nth(1)).to_have_attribute("aria-sort", "descending")
    expect(heads.nth(1).get_by_role("button")).to_be_focused()
    expect(card(page, "w_table").get_by_role("status")).to_contain_text("descending")
    # What a click in the picture does is in reach of the keyboard in its table.
    row = card(page, "w_models").get_by_role("button", name="claude")
    row.press("Enter")
    settled(page)
    expect(page.get_by_role("group", name="Active filters")).to_contain_text("claude")


def test_updates_are_announced_each_time(stage: Stage) -> None:
    page = opened(stage)
    page.evaluate(f"""() => {{ {ROOT} window.said = []; const region = find('.root > [role=status]');
      new MutationObserver(() => said.push(region.textContent)).observe(region, {{ childList: true, characterData: true, subtree: true }});
      window.polite = region.getAttribute('aria-live'); }}""")
    assert page.evaluate("polite") == "polite"
    for count, period in enumerate(("7 days", "90 days"), 1):
        page.get_by_role("radio", name=period).click()
        page.wait_for_function(f"() => said.filter((text) => text === 'Dashboard updated').length >= {count}")
    assert page.evaluate("said") == ["Dashboard updated"] * 2 or page.evaluate("said").count("") >= 2
    busy = page.evaluate(f"() => {{ {ROOT} return all('[data-widget]').map((card) => card.getAttribute('aria-busy')); }}")
    settled(page)
    assert set(busy) <= {"true", "false"}


def test_pictures_are_told_in_words(stage: Stage) -> None:
    page = opened(stage)
    words = {node["name"] for node in tree(page) if node["role"] in ("img", "image") and node["name"]}
    for title in ("Calls over time: area chart", "Calls by model", "Tokens by model over time: line chart"):
        assert any(text.startswith(title) and any(character.isdigit() for character in text) for text in words), title
    bar = card(page, "w_tokens").get_by_role("progressbar")
    assert bar.get_attribute("aria-valuetext") and 0 <= int(bar.get_attribute("aria-valuenow") or "-1") <= 100
    # The direction of a change is more than a colour.
    change = card(page, "w_calls").locator(".delta .sr")
    assert change.inner_text().strip() in ("up", "down", "unchanged")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", [None, {"primaryColor": "#f5c518"}, {"primaryColor": "#1a1a8f"}])
def test_contrast(stage: Stage, scheme: str, theme: dict[str, str] | None) -> None:
    page, _ = stage.page(color_scheme=scheme)
    fragment = json.dumps({"mode": scheme, **(theme or {})})
    page.goto(stage.session().embed_url.replace("?token=", "#theme=" + page.evaluate("encodeURIComponent", fragment) + "&token="))
    settled(page)
    page.wait_for_timeout(300)
    assert page.evaluate(f"() => {{ {ROOT} return find('.root').dataset.mode; }}") == scheme
    assert poor_contrast(page) == []
    open_filter(page, "Model")
    page.get_by_role("option").first.click()
    settled(page)
    page.wait_for_timeout(400)
    assert poor_contrast(page) == [], "with an open list, a chosen value and its chip"
    page.keyboard.press("Escape")
    open_filter(page, "Latency")
    page.get_by_label("Min").fill("9")
    page.get_by_label("Max").fill("3")
    page.keyboard.press("Enter")
    assert poor_contrast(page) == [], "with a form and its complaint"


def test_auto_follows_the_system(stage: Stage) -> None:
    """A dashboard without a mode of its own, in a page of its own, is as dark as its theme says; `auto` as dark as the system."""
    for scheme in ("light", "dark"):
        page, _ = stage.page(color_scheme=scheme)
        page.goto(stage.session().embed_url.replace("?token=", "#theme=%7B%22mode%22%3A%22auto%22%7D&token="))
        settled(page)
        assert page.evaluate(f"() => {{ {ROOT} return find('.root').dataset.mode; }}") == scheme
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme


def test_the_keyboard_goes_through_in_reading_order(stage: Stage) -> None:
    page = opened(stage)
    where = f"""() => {{ {ROOT} let at = root.activeElement; if (!at) return null;
      const style = getComputedStyle(at), box = at.getBoundingClientRect(), card = at.closest('[data-widget]');
      return {{ part: at.closest('.head') ? 'head' : card ? card.dataset.widget : at.closest('.foot') ? 'foot' : 'other',
        name: at.getAttribute('aria-label') ?? at.textContent.trim(), ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.height > 0, color: style.outlineColor }}; }}"""
    stops: list[dict[str, Any]] = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(where)
        if stop is None:
            break
        stops.append(stop)
    assert len(stops) < 120, "no trap"
    assert all(stop["ring"] and stop["seen"] for stop in stops), [stop for stop in stops if not (stop["ring"] and stop["seen"])]
    parts = list(dict.fromkeys(stop["part"] for stop in stops))
    order = page.evaluate(f"""() => {{ {ROOT} return all('[data-widget]').map((card) => ({{ id: card.dataset.widget, box: card.getBoundingClientRect() }}))
      .sort((a, b) => Math.round(a.box.top - b.box.top) || a.box.left - b.box.left).map((card) => card.id); }}""")
    cards = [part for part in parts if part.startswith("w_")]
    assert parts[0] == "head" and set(parts) == {"head", *cards}
    assert cards == [one for one in order if one in cards]
    assert [stop["part"] for stop in stops] == sorted((stop["part"] for stop in stops), key=parts.index), "each part in one go"
    assert sum(stop["part"] == "head" for stop in stops) == 5, "four filters and the period, which is one stop"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(where)["part"] == parts[-1], "and back again"


def test_the_period_is_one_stop_with_arrows(stage: Stage) -> None:
    page = opened(stage)
    page.get_by_role("radio", name="30 days").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="90 days")).to_be_focused()
    expect(page.get_by_role("radio", name="90 days")).to_be_checked()
    page.keyboard.press("Home")
    expect(page.get_by_role("radio", name="24 hours")).to_be_checked()
    assert page.evaluate(f"() => {{ {ROOT} return all('[role=radio]').filter((radio) => radio.tabIndex === 0).length; }}") == 1
    settled(page)


def test_nothing_moves_for_those_who_asked_for_that(stage: Stage) -> None:
    moving = f"""() => {{ {ROOT} return all('*').filter((element) => {{ const style = getComputedStyle(element);
      return style.animationName !== 'none' || style.transitionDuration.split(', ').some((time) => parseFloat(time) > 0); }})
      .map((element) => element.getAttribute('class') ?? element.tagName); }}"""
    calm = opened(stage, reduced_motion="reduce")
    assert calm.evaluate(moving) == []
    # While it loads, too: the grey shapes breathe for others only.
    held: list[Route] = []
    calm.route("**/v1/embed/view**", lambda route: held.append(route))
    calm.goto(stage.session().embed_url)
    calm.locator(".bone").first.wait_for()
    assert calm.evaluate(moving) == []
    while not held:
        calm.wait_for_timeout(50)
    for route in held:
        route.continue_()
    settled(calm)
    calm.get_by_role("radio", name="7 days").click()
    settled(calm)
    assert calm.evaluate(f"() => {{ {ROOT} return root.getAnimations().length; }}") == 0
    assert opened(stage).evaluate(moving) != [], "others see it move"


def test_a_phone_reaches_everything(stage: Stage) -> None:
    page = opened(stage, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert nameless(page, NAMED) == []
    assert poor_contrast(page) == []
    expect(page.get_by_role("combobox", name="Period")).to_be_visible()
    state = page.evaluate(f"""() => {{ {ROOT} const box = find('[data-widget=w_table] .table-scroll');
      return {{ hidden: box.scrollWidth - box.clientWidth, hint: box.hasAttribute('data-after'), meters: all('.meter').filter((meter) => meter.checkVisibility()).length }}; }}""")
    assert state["meters"] == 0, "the number is enough"
    assert state["hint"] == (state["hidden"] > 1), "columns out of sight are hinted at, and only those"
    page.set_viewport_size({"width": 280, "height": 740})
    box = card(page, "w_table").locator(".table-scroll")
    expect(box).to_have_attribute("data-after", "")
    assert box.evaluate("box => getComputedStyle(box).maskImage") != "none"
    box.evaluate("box => { box.scrollLeft = 1000 }")
    expect(box).not_to_have_attribute("data-after", "")
