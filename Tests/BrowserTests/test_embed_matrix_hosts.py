"""Each way of embedding in products as they are: under a strict policy, from phones to walls, by day and night, without a mouse, among hostile styles."""

from __future__ import annotations


import pytest
from embantest.accessible import poor_contrast, violations
from embantest.browser import shoot, shows
from embantest.stage import Stage
from embantest.ways import WAYS, Opened, Product, Way, tab, until
from playwright.sync_api import Frame, Page, expect

every_way = pytest.mark.parametrize("way", WAYS, ids=str)

#: What has the focus, through frames' own documents and shadow roots: its name, or its words.
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at === null || at === document.body ? '' : (at.getAttribute('aria-label') ?? at.textContent).trim();
}"""


def documents(opened: Opened) -> list[Page | Frame]:
    """The page, and what is framed in it."""
    place = opened.place()
    return [opened.page, place] if isinstance(place, Frame) else [opened.page]


@every_way
def test_under_a_strict_policy_from_phones_to_walls_by_day_and_night_and_without_a_mouse(stage: Stage, product: Product, way: Way) -> None:
    session = stage.session()
    opened = product.open(way, {"one": session}, policy=True, more={"theme": {"mode": "auto"}})
    page, place = opened.page, opened.settled()
    shows(place, "w_calls", session.value("w_calls", {"period": "30d"}))
    if not way.single:
        expect(place.locator('[data-widget="w_time"] svg').first).to_be_visible()

    for width, height in ((360, 740), (3840, 2160), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        # Colours do not depend on the width.
        for scheme in ("light", "dark") if width == 1280 else ("dark",):
            page.emulate_media(color_scheme=scheme)
            expect(place.locator(".root").first).to_have_attribute("data-mode", scheme)
            opened.settled()
            until(page, lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width, f"nothing beyond the side at {width}")
            fits = "(cards, width) => cards.every((card) => { const box = card.getBoundingClientRect(); return box.left >= 0 && box.right <= width && box.width > 100 && box.height > 60; })"
            until(page, lambda width=width, fits=fits: place.locator("[data-widget]").evaluate_all(fits, width), f"cards within {width} pixels")
            for document in documents(opened) if width < 3840 else []:
                if isinstance(document, Frame) or way.kind != "frame":
                    assert poor_contrast(document, 2 if way.single else 20) == [], (width, scheme)
            if width != 1280 and scheme == "dark":
                shoot(page, f"way-{way.name}-{width}", full=width < 3000)
        for document in documents(opened):
            assert violations(document) == [], width

    without_a_mouse(opened)


def without_a_mouse(opened: Opened) -> None:
    """Into it by the Tab key, through it, and out of it again; what a click does, a key does."""
    page, place, way = opened.page, opened.place(), opened.way
    inside: Page | Frame = place if isinstance(place, Frame) else page
    page.locator("#before").focus()
    reached = []
    for _ in range(60):
        tab(page, inside)
        if page.evaluate("document.activeElement.id") == "after":
            break
        reached.append(str(inside.evaluate(FOCUSED)))
    assert page.evaluate("document.activeElement.id") == "after", f"the way leads out again: {reached}"
    wanted = ("Menu: API calls", "/v1/chat") if way.single else ("Model", "30 days", "Menu: API calls", "View as table: Calls over time", "/v1/chat")
    for name in wanted:
        assert any(name in one for one in reached), (name, reached)
    for _ in range(60):
        tab(page, inside, "Shift+Tab")
        if inside.evaluate(FOCUSED) == "Menu: API calls":
            break
    assert inside.evaluate(FOCUSED) == "Menu: API calls"
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(place.get_by_role("dialog")).to_be_visible()
    until(page, lambda: place.get_by_role("dialog").locator("table, .list-label, .drill-pills").count() > 0, "the panel shows something")
    assert violations(inside) == [], "with an open panel"
    page.keyboard.press("Escape")
    expect(place.get_by_role("dialog")).to_have_count(0)
    assert inside.evaluate(FOCUSED) == "Menu: API calls", "the focus comes back"


#: Inherited by everything below, unless that says otherwise; and all that a style sheet may do to an iframe.
HOSTILE = """
  * { color: red !important; font-size: 33px !important; line-height: 3 !important; font-style: italic !important; font-weight: 900 !important;
      font-variant: small-caps !important; text-transform: uppercase !important; letter-spacing: 9px !important; word-spacing: 20px !important;
      text-align: right !important; text-indent: 40px !important; text-shadow: 3px 3px 3px lime !important; white-space: nowrap !important;
      cursor: wait !important; list-style: square inside !important; quotes: none !important; hyphens: auto !important; word-break: break-all !important;
      border-collapse: collapse !important; border-spacing: 9px !important; caption-side: bottom !important; tab-size: 20 !important; }
  iframe { display: none !important; position: absolute !important; left: -9999px !important; float: right !important; visibility: hidden !important; opacity: 0 !important;
      width: 90px !important; min-width: 3000px !important; max-width: 60px !important; height: 40px !important; min-height: 4000px !important; max-height: 60px !important;
      margin: 50px !important; padding: 30px !important; border: 9px solid red !important; transform: scale(0.1) rotate(40deg) !important; translate: 300px !important;
      rotate: 90deg !important; scale: 3 !important; zoom: 0.3 !important; filter: blur(9px) !important; clip-path: circle(5px) !important; mix-blend-mode: difference !important;
      pointer-events: none !important; transition: all 60s !important; animation: none !important; aspect-ratio: 1 / 9 !important; contain: strict !important;
      content-visibility: hidden !important; box-sizing: content-box !important; }
  #one { display: flex; flex-direction: column; }
"""
LOOK = """elements => elements.slice(0, 40).map((element) => {
  const style = getComputedStyle(element);
  return ['color', 'fontSize', 'lineHeight', 'fontStyle', 'fontWeight', 'fontVariant', 'textTransform', 'letterSpacing', 'wordSpacing', 'textAlign', 'textIndent',
    'textShadow', 'whiteSpace', 'cursor', 'wordBreak', 'borderCollapse', 'display', 'boxSizing', 'visibility', 'opacity'].map((name) => name + ': ' + style[name]).join('; ');
})"""
PARTS = (".name", ".field", ".segment", ".card", ".card-title", ".kpi-value", ".kpi-note", ".list-label", "th", "td", ".icon-button", ".badge")


@every_way
def test_hostile_styles_change_nothing(stage: Stage, product: Product, way: Way) -> None:
    opened = product.open(way, {"one": stage.session()}, style="body { margin: 0 }")
    page, place = opened.page, opened.settled()
    # Said after the last height.
    opened.wait_for("ready")

    def look() -> dict[str, list[str]]:
        return {part: place.locator(part).evaluate_all(LOOK) for part in PARTS}

    box = """() => { const { left, width, height } = document.querySelector('#one iframe')?.getBoundingClientRect() ?? {}; return [left, width, height].map(Math.round); }"""
    before, size = look(), page.evaluate(box)
    assert any(before.values())
    page.evaluate("css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet]; }", HOSTILE)
    opened.settled()
    if way.kind == "frame":
        # As high as its content, whose width is the same.
        until(page, lambda: page.evaluate(box) == size, f"the frame was {size}")
        seen = page.locator("#one iframe").evaluate("""frame => { const style = getComputedStyle(frame);
          return [style.opacity, style.visibility, style.transform, style.position, style.filter, style.clipPath, style.pointerEvents]; }""")
        assert seen == ["1", "visible", "none", "static", "none", "none", "auto"]
    after = look()
    for part, wanted in before.items():
        assert after[part] == wanted, part
    opened.choose()
    if way.kind == "frame":
        # What hides the place around it hides it, too.
        page.evaluate("document.getElementById('one').style.visibility = 'hidden'")
        assert page.locator("#one iframe").evaluate("frame => getComputedStyle(frame).visibility") == "hidden"
