"""Each way of embedding through a day of its life: shown, used, restyled, renewed, withdrawn, offline, asleep, and two of it on a page."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from embantest.browser import card, kpi_number, shows
from embantest.stage import Stage
from embantest.ways import WAYS, Opened, Product, Way, until
from embantest.workspace import Session
from playwright.sync_api import Request, expect

every_way = pytest.mark.parametrize("way", WAYS, ids=str)
MINUTE = 60 * 1000


def withdraw(stage: Stage, session: Session) -> None:
    assert stage.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204


def until_fetched(opened: Opened, more_than: int) -> None:
    opened.page.wait_for_function("count => fetched > count", arg=more_than)


def until_asked_again(opened: Opened) -> None:
    """Turns the clock on, minute by minute: a wait begins when the attempt before it has failed, which takes its own time."""
    before = opened.page.evaluate("fetched")

    def is_asked() -> bool:
        opened.page.clock.fast_forward(MINUTE)
        return opened.page.evaluate("fetched") > before

    until(opened.page, is_asked, "it is asked again")


@every_way
def test_it_is_shown_filtered_drilled_into_resized_and_restyled(stage: Stage, product: Product, way: Way) -> None:
    session = stage.session()
    opened = product.open(way, {"one": session})
    place, page = opened.place(), opened.page
    opened.wait_for("ready")
    assert kpi_number(place, "w_calls") == session.value("w_calls", {"period": "30d"})

    opened.choose()
    if way.single:
        assert opened.wait_for("filter")["filters"]["dimensions"]["endpoint"] in ("/v1/chat", ["/v1/chat"])
    else:
        assert opened.wait_for("filter")["filters"]["period"] == "7d"
        assert opened.wait_for("period-change") == {"period": "7d"}
        card(place, "w_list").get_by_role("button", name="/v1/chat").click()
    drilled = opened.wait_for("drill")
    assert (drilled["dimension"], drilled["value"], drilled["widgetId"]) == ("endpoint", "/v1/chat", "w_list")

    # What the product sets holds, and is told to nobody.
    until(page, lambda: len(opened.said("filter")) == (1 if way.single else 2), "both choices are told")
    opened.call("setFilters", {"period": "90d", "dimensions": {"model": ["gpt-4"], "endpoint": []}})
    shows(place, "w_calls", session.value("w_calls", {"period": "90d", "dimensions": {"model": ["gpt-4"]}}))
    assert len(opened.said("filter")) == (1 if way.single else 2)

    root = place.locator(".root").first
    for mode in ("dark", "light"):
        opened.call("setTheme", {"mode": mode, "primaryColor": "#0f9d58"})
        expect(root).to_have_attribute("data-mode", mode)

    # Narrower and back: as tall as its content each time, and never wider than its place.
    heights = []
    for width in (1100, 360, 1100):
        page.evaluate("width => { document.getElementById('one').style.width = `${width}px`; }", width)
        page.wait_for_function("""width => [...document.querySelectorAll('#one, #one iframe, #one emban-dashboard, #one dbn-dashboard')]
          .every((element) => Math.abs(element.getBoundingClientRect().width - width) < 1)""", arg=width)
        if not way.single:
            expect(root).to_have_attribute("data-size", "wide" if width > 1000 else "narrow")
        fits = "cards => cards.every((card) => card.getBoundingClientRect().right <= %d + card.getRootNode().host.getBoundingClientRect().left)" % width
        until(page, lambda fits=fits: place.locator("[data-widget]").evaluate_all(fits), f"cards beyond {width} pixels")
        if way.kind == "frame":
            inside = "Math.ceil(document.querySelector('emban-dashboard').getBoundingClientRect().height)"
            until(page, lambda inside=inside: abs(page.evaluate("document.querySelector('#one iframe').clientHeight") - place.evaluate(inside)) <= 1, "as high as its content")
        heights.append(page.evaluate("document.getElementById('one').getBoundingClientRect().height"))
    if not way.single:
        assert heights[1] > heights[0] + 500, heights
    until(page, lambda: abs(page.evaluate("document.getElementById('one').getBoundingClientRect().height") - heights[0]) <= 2, f"it shrinks again: {heights}")
    if way.kind != "react":
        assert opened.said("resize"), "the product hears of it"
    assert opened.errors() == []


@every_way
def test_its_session_is_renewed_before_the_end(stage: Stage, product: Product, way: Way) -> None:
    """Also where the browser's clock is five minutes slow: by it the end would be long to come."""
    first, second = stage.session(expires_in=1800), stage.session()
    opened = product.open(way, {"one": first}, fetches=True, at=datetime.now(timezone.utc) - timedelta(minutes=5))
    opened.give(second)
    opened.choose()
    opened.page.clock.fast_forward(27 * MINUTE)
    opened.settled()
    assert opened.page.evaluate("fetched") == 0, "not before it is due"
    opened.page.clock.fast_forward(int(2.5 * MINUTE))
    until_fetched(opened, 1 if way.single and way.kind == "element" else 0)
    # The first one may be withdrawn now: the second is in use.
    until(opened.page, lambda: uses(opened, second), "the second session is in use")
    withdraw(stage, first)
    opened.shows_choice(second)
    assert opened.errors() == [] and opened.said("token-expiring")


def uses(opened: Opened, session: Session) -> bool:
    """What is asked for goes by this session; elements of one widget each ask for themselves."""
    elements = 2 if opened.way.single and opened.way.kind == "element" else 1
    asked: list[Request] = []
    before = len(opened.watch.requests)

    def note(request: Request) -> None:
        # What the round before has taken back may still be asked for.
        if request.url.endswith("/v1/embed/query") and "latency_ms" in (request.post_data or ""):
            asked.append(request)

    opened.page.on("request", note)
    opened.call("setFilters", {"numericRanges": {"latency_ms": {"min": 1 + before % 2}}})
    until(opened.page, lambda: len(asked) >= elements, "they ask")
    opened.page.remove_listener("request", note)
    opened.call("setFilters", {"numericRanges": None})
    return all(session.token in (request.headers.get("authorization") or "") for request in asked)


@every_way
def test_what_is_withdrawn_goes_at_once_and_another_session_goes_on(stage: Stage, product: Product, way: Way) -> None:
    first, second = stage.session(), stage.session()
    opened = product.open(way, {"one": first}, expected="401")
    opened.choose()
    withdraw(stage, first)
    opened.wait_for("error", code="session_revoked")
    place = opened.place()
    expect(place.locator("[data-widget]")).to_have_count(0)
    expect(place.locator(".failure").first).to_contain_text("Session ended")
    opened.renew(second)
    opened.settled()
    opened.shows_choice(second)
    assert opened.codes() == {"session_revoked"}
    if way.scene == "own":
        expect(opened.page.locator("#one output")).to_have_text("shown"), "what was wrong is over"


@every_way
def test_a_withdrawn_session_is_followed_by_a_fetched_one(stage: Stage, product: Product, way: Way) -> None:
    first, second = stage.session(), stage.session()
    opened = product.open(way, {"one": first}, fetches=True, expected="401")
    opened.give(second)
    opened.choose()
    withdraw(stage, first)
    until_fetched(opened, 0)
    until(opened.page, lambda: opened.place().locator("[data-widget]").count() == way.widgets, "it is shown again")
    opened.shows_choice(second)


@every_way
def test_offline_and_asleep_when_the_session_ends(stage: Stage, product: Product, way: Way) -> None:
    first, second = stage.session(expires_in=1800), stage.session()
    opened = product.open(way, {"one": first}, fetches=True, at=datetime.now(timezone.utc), expected="ERR_INTERNET_DISCONNECTED|401|Failed to load resource|network")
    opened.give(second)
    opened.choose()
    page = opened.page
    page.context.set_offline(True)
    withdraw(stage, first)
    # Asleep for an hour, in which no timer runs; then all that were due run once.
    page.clock.fast_forward(60 * MINUTE)
    until_fetched(opened, 0)
    for _ in range(3):
        until_asked_again(opened)
    attempts = page.evaluate("fetched")
    # Elements of one widget each ask for themselves.
    assert attempts <= 8 * (2 if way.single and way.kind == "element" else 1), "repeated, but not in a storm"
    page.context.set_offline(False)
    until_fetched(opened, attempts)
    until(page, lambda: opened.place().locator("[data-widget]").count() == way.widgets, "it is shown again")
    opened.shows_choice(second)
    assert opened.codes() <= {"token_failed", "embed_url_failed", "network", "session_revoked", "token_expired"}, opened.errors()


@every_way
def test_two_on_a_page_leave_each_other_alone(stage: Stage, product: Product, way: Way) -> None:
    acme, globex, again = stage.session("acme"), stage.session("globex"), stage.session("globex")
    opened = product.open(way, {"one": acme, "two": globex}, expected="401")
    one, two = opened.place("one"), opened.place("two")
    month = {"period": "30d"}
    assert (kpi_number(one, "w_calls"), kpi_number(two, "w_calls")) == (acme.value("w_calls", month), globex.value("w_calls", month))
    opened.choose("one")
    opened.wait_for("filter", "one")
    assert not opened.said("filter", "two") and not opened.said("drill", "two")
    opened.call("setTheme", {"mode": "dark"}, "two")
    expect(two.locator(".root").first).to_have_attribute("data-mode", "dark")
    expect(one.locator(".root").first).to_have_attribute("data-mode", "light")
    withdraw(stage, globex)
    opened.wait_for("error", "two", code="session_revoked")
    opened.shows_choice(acme, "one")
    opened.renew(again, "two")
    shows(opened.settled("two"), "w_calls", again.value("w_calls", month))
    assert opened.errors("one") == []


@every_way
def test_the_next_customer_meets_the_products_filters_and_nothing_of_the_former_one(stage: Stage, product: Product, way: Way) -> None:
    acme, globex = stage.session("acme"), stage.session("globex")
    opened = product.open(way, {"one": acme}, more={"filters": {"period": "90d"}})
    shows(opened.place(), "w_calls", acme.value("w_calls", {"period": "90d"}))
    opened.choose()
    opened.renew(globex)
    until(opened.page, lambda: opened.place().locator("[data-widget]").count() == way.widgets, "it is shown")
    shows(opened.place(), "w_calls", globex.value("w_calls", {"period": "90d"}))
    if way.single:
        expect(card(opened.place(), "w_list").get_by_role("button", name="/v1/chat")).to_have_attribute("aria-pressed", "false")
    assert opened.errors() == []
