"""One widget of each of the 21 charts, drawn from real answers: what stands in them, what they say, where they may be clicked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from embantest.browser import card, painted, record, settled, shoot
from embantest.oracle import iso
from embantest.process import EmbanProcess
from embantest.stage import NOW, Stage
from embantest.steady import eventually
from embantest.workspace import Organization, event
from playwright.sync_api import Browser, Locator, Page, expect

from test_accessibility import NAMED, ROOT, nameless, poor_contrast, tree

LATENCY = {"second_metric": "avg", "second_numeric_prop": "latency_ms"}
TEXT = """# Your usage
All **calls**, *daily*, see [guide](https://example.com/guide) and `api.call`.
- one
- <b>two</b>

> quoted

![picture](https://example.com/x.png) [bad](javascript:alert(1))"""


def place(index: int) -> dict[str, int]:
    return {"x": 4 * (index % 3), "y": 4 * (index // 3), "w": 4, "h": 4}


def ask(**query: Any) -> dict[str, Any]:
    return {"event_name": "api.call", "metric": "count", "period": "30d", **query}


#: kind, chart, query, the rest.
CHARTS: list[tuple[str, str, dict[str, Any] | None, dict[str, Any]]] = [
    ("kpi", "stat", ask(compare="previous_period"), {}),
    ("kpi", "progress", ask(), {"options": {"target": 2000, "target_label": "plan limit"}}),
    ("kpi", "gauge", ask(metric="avg", numeric_prop="latency_ms"),
     {"options": {"min": 0, "max": 400, "target": 250, "thresholds": [{"value": 150}, {"value": 300, "color": "#b3261e"}]}}),
    ("timeseries", "area", ask(compare="previous_period"), {}),
    ("timeseries", "line", ask(group_by="model"), {}),
    ("timeseries", "bar", ask(metric="sum", numeric_prop="tokens"), {"format": {"style": "number", "unit": "tokens"}}),
    ("timeseries", "stacked_bar", ask(group_by="model", limit=2, other=True), {}),
    ("timeseries", "dual_axis", ask(**LATENCY), {"options": {"second_label": "Mean latency"}}),
    ("timeseries", "waterfall", ask(metric="sum", numeric_prop="balance"), {}),
    ("breakdown", "bar", ask(group_by="model"), {}),
    ("breakdown", "list", ask(group_by="model", limit=2, other=True), {}),
    ("breakdown", "horizontal_bar", ask(group_by="model", compare="previous_period"), {}),
    ("breakdown", "donut", ask(group_by="model", limit=2, other=True), {}),
    ("breakdown", "funnel", ask(group_by="model"), {}),
    ("breakdown", "treemap", ask(group_by="model", limit=2, other=True), {}),
    ("breakdown", "radar", ask(group_by="model"), {}),
    ("breakdown", "scatter", ask(group_by="model", **LATENCY), {}),
    ("table", "table", ask(group_by="model", limit=2, other=True, **LATENCY), {}),
    ("table", "pivot", ask(group_by="model", group_by_2="region"), {}),
    ("heatmap", "heatmap", ask(), {}),
    ("text", "text", None, {"options": {"markdown": TEXT}}),
]
WIDGETS = [
    {"id": f"w_{chart}_{kind}", "title": f"The {chart} of {kind}", "kind": kind, "chart": chart, "position": place(index), **({"query": query} if query else {}), **more}
    for index, (kind, chart, query, more) in enumerate(CHARTS)
]
#: What these charts cannot show, and say.
IMPOSSIBLE = [
    {"id": f"n_{chart}", "title": f"Below zero: {chart}", "kind": "breakdown", "chart": chart, "position": place(index),
     "query": ask(metric="sum", numeric_prop="balance", group_by="model")}
    for index, chart in enumerate(("donut", "funnel", "treemap", "radar"))
]
MODELS = {"alpha": 500, "beta": 300, "gamma": 150, "delta": 50}
REGIONS = ["eu", "us", "asia"]


def happenings() -> Iterator[dict[str, Any]]:
    """A thousand calls of the last 25 days: 500, 300, 150 and 50 of four models; `balance` is below zero for one of them."""
    index = 0
    for model, count in MODELS.items():
        for number in range(count):
            index += 1
            when = NOW - timedelta(hours=1 + 599 * (index * 0.6180339887 % 1))
            yield event("acme", timestamp=iso(when), string_props={"model": model, "region": REGIONS[number % 3]},
                        numeric_props={"tokens": 10 + index % 7, "latency_ms": 100 + 50 * len(model) + index % 11, "balance": -3 if model == "beta" else 2})


@pytest.fixture(scope="module")
def gallery(emban: EmbanProcess) -> tuple[Organization, str, str]:
    organization = Organization(emban.url)
    organization.ingest(happenings())
    filters = [{"id": "f_period", "type": "period", "default": "30d", "options": ["7d", "30d"]}]
    made = [organization.create_dashboard(widgets, filters=filters, name=name, publish=True)["id"] for name, widgets in (("Gallery", WIDGETS), ("Not so", IMPOSSIBLE))]
    return organization, made[0], made[1]


@pytest.fixture
def stages(emban: EmbanProcess, gallery: tuple[Organization, str, str], browser: Browser) -> Iterator[tuple[Stage, Stage]]:
    made = (Stage(emban, gallery[0], gallery[1], browser), Stage(emban, gallery[0], gallery[2], browser))
    yield made
    for stage in made:
        for _, context in stage.watched:
            context.close()
        for watch, _ in stage.watched:
            watch.check()


def opened(stage: Stage, scheme: str = "light", **options: Any) -> Page:
    page, _ = stage.page(color_scheme=scheme, **options)
    page.goto(stage.session().embed_url.replace("?token=", f"#theme=%7B%22mode%22%3A%22{scheme}%22%7D&token="))
    settled(page)
    expect(page.locator('[data-face="chart"] .plot:has(svg)')).to_have_count(page.locator('[data-face="chart"]').count())
    painted(page)
    return page


def of(page: Page, chart: str, kind: str) -> Locator:
    return card(page, f"w_{chart}_{kind}")


def words(drawn: Locator) -> list[str]:
    """The texts that a chart draws."""
    return [text for text in drawn.locator(".plot svg text").all_text_contents() if text.strip()]


def as_table(drawn: Locator) -> list[list[str]]:
    """The numbers of a drawn chart, from its table; the picture comes back afterwards."""
    drawn.get_by_role("button", name=re.compile("^View as table")).click()
    rows = drawn.locator(".table-scroll tr").evaluate_all("rows => rows.map(row => Array.from(row.cells).map(cell => cell.textContent.trim()))")
    drawn.get_by_role("button", name=re.compile("^View as chart")).click()
    return rows


def test_all_charts_are_drawn(stages: tuple[Stage, Stage]) -> None:
    page = opened(stages[0])
    assert page.locator("[data-widget]").count() == 21
    assert page.locator('[data-status="ok"]').count() == 21
    for kind, chart, _, _ in CHARTS:
        drawn = of(page, chart, kind)
        if drawn.get_attribute("data-face") == "chart":
            assert drawn.locator(".plot svg path").count() > 1, chart
            assert "NaN" not in drawn.locator(".plot").inner_html(), chart
            label = drawn.locator(".plot-box").get_attribute("aria-label") or ""
            assert label.startswith(f"The {chart} of {kind}") and re.search(r"\d", label), label

    assert of(page, "stat", "kpi").locator(".kpi-value").inner_text() == "1,000"
    expect(of(page, "progress", "kpi").get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    gauge = of(page, "gauge", "kpi")
    assert any("ms" in text for text in words(gauge)), words(gauge)
    assert "from 0 ms to 400 ms, target 250 ms" in (gauge.locator(".plot-box").get_attribute("aria-label") or "")

    names = of(page, "line", "timeseries").locator(".legend-name").all_inner_texts()
    assert names == ["alpha", "beta", "gamma", "delta"]
    assert of(page, "stacked_bar", "timeseries").locator(".legend-name").all_inner_texts() == ["alpha", "beta", "Other"]
    assert of(page, "dual_axis", "timeseries").locator(".legend-name").all_inner_texts() == ["Count", "Mean latency"]
    assert any(text.endswith(" ms") for text in words(of(page, "dual_axis", "timeseries"))), "the right axis has its own unit"
    assert "tokens" in words(of(page, "bar", "timeseries")), "the axis says the unit"
    steps = as_table(of(page, "waterfall", "timeseries"))
    assert steps[-1][0] == "Total" and steps[-1][2] == str(2 * 700 - 3 * 300) and steps[-2][2] == steps[-1][2]
    assert "Total" in words(of(page, "waterfall", "timeseries"))

    assert {"alpha", "beta", "gamma", "delta", "500", "300", "150", "50"} <= set(words(of(page, "bar", "breakdown")))
    assert {"alpha", "500"} <= set(words(of(page, "horizontal_bar", "breakdown")))
    donut = of(page, "donut", "breakdown")
    assert [text.replace("\n", " ") for text in donut.locator(".legend-item").all_inner_texts()][-1].split()[0] == "Other"
    assert "1,000" in words(donut), "the whole in its middle"
    funnel = as_table(of(page, "funnel", "breakdown"))
    assert [row[2:4] for row in funnel[1:]] == [["100%", "–"], ["60%", "60%"], ["30%", "50%"], ["10%", "33%"]]
    assert "of prev." in " ".join(words(of(page, "funnel", "breakdown")))
    assert any(text.startswith("alpha") for text in words(of(page, "treemap", "breakdown")))
    assert {"alpha", "beta", "gamma", "delta"} <= set(words(of(page, "radar", "breakdown")))
    assert {"alpha", "delta", "Count", "Average of latency"} <= set(words(of(page, "scatter", "breakdown")))
    assert [row[0] for row in as_table(of(page, "heatmap", "heatmap"))[:2]] == ["Hour", "00:00–01:00"]
    assert {"Mon", "Sun"} <= set(words(of(page, "heatmap", "heatmap")))

    items = of(page, "list", "breakdown").locator(".list-row")
    assert [text.split("\n")[0] for text in items.all_inner_texts()] == ["alpha", "beta", "Other"]
    assert items.last.locator("button").count() == 0 and items.first.locator("button").count() == 1
    table = of(page, "table", "table")
    assert table.locator("thead th").all_inner_texts() == ["Model", "Count", "Share", "Average of latency"]
    last = table.locator("tbody tr").last
    assert last.locator("th").inner_text() == "Other" and last.locator("button").count() == 0
    table.locator("thead button").nth(1).click()
    table.locator("thead button").nth(1).click()
    assert table.locator("tbody th").all_inner_texts() == ["beta", "alpha", "Other"], "the rest stays below"


def test_pivot_sorts_and_keeps_its_totals_in_sight(stages: tuple[Stage, Stage]) -> None:
    page = opened(stages[0])
    pivot = of(page, "pivot", "table")
    assert pivot.locator("thead th").all_inner_texts()[-1] == "Total"
    assert pivot.locator("tbody tr").first.locator("td.total").inner_text() == "500"
    assert pivot.locator("tfoot td").last.inner_text() == "1,000"
    asia = pivot.locator("thead th", has_text="asia")
    asia.get_by_role("button").press("Enter")
    expect(asia).to_have_attribute("aria-sort", "descending")
    expect(asia.get_by_role("button")).to_be_focused()
    asia.get_by_role("button").press("Enter")
    assert pivot.locator("tbody th").all_inner_texts() == ["delta", "gamma", "beta", "alpha"]
    assert pivot.locator("thead th").first.evaluate("cell => getComputedStyle(cell).position") == "sticky"


def test_texts_are_words_and_safe_links(stages: tuple[Stage, Stage]) -> None:
    text = of(opened(stages[0]), "text", "text")
    assert text.locator("h4").inner_text() == "Your usage" and text.locator("strong").inner_text() == "calls"
    link = text.get_by_role("link")
    assert link.count() == 1
    assert [link.get_attribute(name) for name in ("href", "target", "rel")] == ["https://example.com/guide", "_blank", "noopener noreferrer"]
    assert text.locator("img, b, script").count() == 0 and "<b>two</b>" in text.locator("li").last.inner_text()
    assert text.locator("blockquote").inner_text() == "quoted"


def test_what_cannot_be_drawn_says_so(stages: tuple[Stage, Stage]) -> None:
    page, _ = stages[1].page()
    page.goto(stages[1].session().embed_url)
    settled(page, 4)
    painted(page)
    for chart in ("donut", "funnel", "treemap"):
        shown = card(page, f"n_{chart}")
        expect(shown.locator(".chart-hint")).to_contain_text("cannot show values below zero")
        assert shown.locator("tbody th").count() == 4 and not shown.locator(".plot-box").is_visible()
    radar = card(page, "n_radar")
    expect(radar.locator(".chart-hint")).to_contain_text("below zero")
    assert {"alpha", "-900"} <= set(words(radar)), "as bars"


def test_tooltips_have_formatted_values(stages: tuple[Stage, Stage]) -> None:
    page = opened(stages[0])
    for chart, kind, found in (
        ("dual_axis", "timeseries", r"Count[\s\S]*Mean latency[\s\S]* ms"), ("waterfall", "timeseries", r"Running total"), ("funnel", "breakdown", r"Of first step"),
        ("horizontal_bar", "breakdown", r"alpha|beta|gamma|delta"), ("heatmap", "heatmap", r"day, \d\d:00–\d\d:00"), ("treemap", "breakdown", r"Share"),
        ("radar", "breakdown", r"alpha[\s\S]*500[\s\S]*delta"),
    ):
        plot = of(page, chart, kind).locator(".plot")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5 + 3)
        tip = of(page, chart, kind).locator(".tip")
        expect(tip).to_be_visible()
        expect(tip).to_have_text(re.compile(found), use_inner_text=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_headings_and_contrast(stages: tuple[Stage, Stage], scheme: str) -> None:
    page = opened(stages[0], scheme)
    shoot(page, f"charts-{scheme}")
    assert nameless(page, NAMED) == []
    pictures = [node["name"] for node in tree(page) if node["role"] in ("img", "image") and node["name"]]
    assert sum(str(name).startswith("The ") for name in pictures) == sum(one["chart"] not in ("stat", "progress", "list", "table", "pivot", "text") for one in WIDGETS)
    levels = page.evaluate(f"() => {{ {ROOT} return all('h1, h2, h3, h4, h5, h6').map((heading) => Number(heading.tagName[1])); }}")
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    # Texts on tiles would be measured against the card below: web/tests measures them against their tiles.
    page.evaluate(f"() => {{ {ROOT} all('[data-chart=treemap] text').forEach((text) => text.remove()); }}")
    assert poor_contrast(page) == []


def test_widths(stages: tuple[Stage, Stage]) -> None:
    for width in (360, 768, 3840):
        page = opened(stages[0], viewport={"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        over = page.evaluate(f"""() => {{ {ROOT} return all('[data-widget]').filter((card) => {{
          const outer = card.getBoundingClientRect();
          return Array.from(card.querySelectorAll('.plot svg, .legend, .text, .kpi, .chart-hint')).some((part) => {{
            const box = part.getBoundingClientRect();
            return box.width > 0 && (box.right > outer.right + 1 || box.left < outer.left - 1 || box.bottom > outer.bottom + 1);
          }});
        }}).map((card) => card.dataset.widget); }}""")
        assert over == [], width
        shoot(page, f"charts-{width}")


def test_a_calm_page_does_not_move(stages: tuple[Stage, Stage]) -> None:
    page = opened(stages[0], reduced_motion="reduce")
    page.get_by_role("radio", name="7 days").click()
    settled(page)
    assert page.evaluate(f"() => {{ {ROOT} return root.getAnimations().length; }}") == 0


def test_clicks_open_what_was_clicked(stages: tuple[Stage, Stage]) -> None:
    page = opened(stages[0])
    page.evaluate("""() => { window.drills = []; document.querySelector('emban-dashboard').addEventListener('emban-drill', (event) => drills.push(event.detail)); }""")
    for chart, at in (("horizontal_bar", (0.6, 0.06)), ("funnel", (0.5, 0.1)), ("treemap", (0.2, 0.5))):
        plot = of(page, chart, "breakdown").locator(".plot")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        plot.click(position={"x": box["width"] * at[0], "y": box["height"] * at[1]})
        page.wait_for_function("() => drills.length > 0")
        drill = page.evaluate("drills.splice(0)[0]")
        assert (drill["dimension"], drill["value"], drill["widgetId"]) == ("model", "alpha", f"w_{chart}_breakdown"), drill
        page.keyboard.press("Escape")
    # The keyboard comes to the same through the table.
    radar = of(page, "radar", "breakdown")
    radar.get_by_role("button", name=re.compile("^View as table")).press("Enter")
    radar.get_by_role("button", name="gamma").press("Enter")
    page.wait_for_function("() => drills.length > 0")
    assert page.evaluate("drills[0].value") == "gamma"


def test_the_cold_embed_stays_small(stages: tuple[Stage, Stage]) -> None:
    page, watch = stages[0].page()
    page.goto(stages[0].session().embed_url)
    settled(page)
    # The last answer is told of after it was used.
    eventually(lambda: page.wait_for_timeout(20) or watch.bytes, lambda count: count > 100_000, "the bytes of all answers")
    record("charts-wire", {"bytes": watch.bytes, "requests": len(watch.requests)})
    assert watch.bytes <= 450_000, watch.bytes
