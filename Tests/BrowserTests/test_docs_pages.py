"""The pages that the documentation shows, in Chromium, on a product's own origin: with its back end, which makes real sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from embantest.browser import Watch, card, kpi_number, open_context, painted, settled, shows
from embantest.process import EmbanProcess
from embantest.snippets import of
from embantest.stage import FILTERS, WIDGETS, calls
from embantest.workspace import Organization, Session
from playwright.sync_api import Browser, Frame, Page, expect


class Product:
    """A customer's product: pages, and the two routes of the documentation that answer with a session's address or token."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.pages: dict[str, str] = {}
        self.policy: str | None = None
        #: Whom a session was made for, in order.
        self.asked: list[str] = []
        product = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 (the library's name)
                path = self.path.partition("?")[0]
                if path == "/favicon.ico":
                    self.answer(204, "", "image/x-icon")
                else:
                    kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
                    self.answer(200 if path in product.pages else 404, product.pages.get(path, ""), kind)

            def do_POST(self) -> None:  # noqa: N802 (the library's name)
                tenant = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode() or "acme"
                session = product.session(tenant)
                product.asked.append(tenant)
                self.answer(200, {"/my/analytics-session": session.embed_url, "/my/analytics-token": session.token}[self.path], "text/plain")

            def answer(self, status: int, text: str, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if product.policy is not None:
                    self.send_header("Content-Security-Policy", product.policy)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def session(self, tenant: str = "acme") -> Session:
        return self.organization.session(tenant, "usage")

    def serve(self, body: str, path: str = "/") -> str:
        self.pages[path] = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Product</title></head><body>{body}</body></html>'
        return self.url + path

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def usage(emban: EmbanProcess) -> Organization:
    organization = Organization(emban.url)
    organization.ingest(calls("acme", 900))
    organization.ingest(calls("globex", 300))
    organization.create_dashboard(WIDGETS, filters=FILTERS, name="API usage", slug="usage", publish=True)
    return organization


@pytest.fixture
def product(usage: Organization) -> Iterator[Product]:
    made = Product(usage)
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, emban: EmbanProcess, product: Product) -> Iterator[Page]:
    """No complaint of the page, and no request to anybody else, in any of these tests."""
    context = open_context(browser)
    made = context.new_page()
    watch = Watch({f"http://localhost:{emban.port}", product.url})
    watch.follow(made)
    yield made
    context.close()
    watch.check()


def filled(text: str, emban: EmbanProcess, session: Session) -> str:
    origin = f"http://localhost:{emban.port}"
    return (text.replace("http://localhost:8080", origin).replace("https://analytics.example.com", origin)
            .replace("EMBED_URL", session.embed_url).replace("TOKEN", session.token))


def frame_of(page: Page) -> Frame:
    handle = page.locator("iframe").element_handle()
    frame = handle.content_frame() if handle else None
    assert frame is not None
    return frame


def test_each_way_of_embedding_shows_the_dashboard(product: Product, page: Page, emban: EmbanProcess) -> None:
    session = product.session()
    month, week = (session.value("w_calls", {"period": period}) for period in ("30d", "7d"))
    assert month != week
    iframe, helper, element, renewal, dbn = (filled(snippet.body, emban, session) for snippet in of("docs/embedding.md", "html", 5))

    page.goto(product.serve(iframe))
    shows(frame_of(page), "w_calls", month)
    box = page.locator("iframe").bounding_box()
    assert box is not None and box["height"] == 900 and box["width"] > 1_200

    page.goto(product.serve(helper))
    page.locator("#analytics iframe").wait_for()
    shows(frame_of(page), "w_calls", week)
    assert product.asked == ["acme"]
    with page.expect_console_message(lambda message: message.text == "endpoint /v1/chat w_list"):
        card(frame_of(page), "w_list").get_by_text("/v1/chat").click()

    page.goto(product.serve(element))
    shows(page.locator("emban-dashboard"), "w_calls", month)
    shows(page.locator("emban-widget"), "w_calls", month)

    # The element of the snippet before, of which this is the rest: without a token it asks for one.
    page.goto(product.serve(element.splitlines()[0] + "<emban-dashboard></emban-dashboard>" + renewal))
    shows(page.locator("emban-dashboard"), "w_calls", month)
    assert product.asked == ["acme", "acme"]

    page.goto(product.serve(dbn))
    shows(page.locator("dbn-dashboard"), "w_calls", month)


def test_styles_reach_what_they_name(product: Product, page: Page, emban: EmbanProcess) -> None:
    (styles,) = of("docs/embedding.md", "css", 1)
    origin, token = f"http://localhost:{emban.port}", product.session().token
    element = f'<emban-dashboard token="{token}"></emban-dashboard>'
    body = f'<script src="{origin}/sdk/emban-dashboard.js"></script><style>{styles.body}</style>{element}<div class="dark">{element}</div>'
    page.goto(product.serve(body))
    look = """element => {
      const part = (name) => getComputedStyle(element.shadowRoot.querySelector(`[part~="${name}"]`));
      return [part('card').boxShadow, part('card').borderRadius, part('title').fontWeight, part('card').backgroundColor,
        getComputedStyle(element.shadowRoot.querySelector('.kpi-value')).color];
    }"""
    for place in page.locator("emban-dashboard").all():
        settled(place)
    light, dark = (place.evaluate(look) for place in page.locator("emban-dashboard").all())
    assert light[:3] == dark[:3] == ["none", "4px", "600"]
    assert dark[3:] == ["rgb(21, 24, 30)", "rgb(236, 238, 242)"] and light[3] != dark[3] and light[4] != dark[4]
    painted(page)
    marks = page.locator("emban-dashboard").first.locator('[data-widget="w_time"] svg [stroke], [data-widget="w_time"] svg [fill]')
    colors = marks.evaluate_all("marks => marks.flatMap((mark) => [mark.getAttribute('stroke'), mark.getAttribute('fill')])")
    assert {"#0f766e", "rgb(15,118,110)"} & {color.replace(" ", "").lower() for color in colors if color}, colors


def test_the_policies_let_enough_through(product: Product, page: Page, emban: EmbanProcess) -> None:
    """Of the whole page, as headers. What they keep out would show as a violation."""
    frames, elements = of("docs/embedding.md", "text", 2)
    session = product.session()
    origin = f"http://localhost:{emban.port}"
    product.pages["/app.js"] = f"Emban.create({{ container: '#analytics', embedUrl: {session.embed_url!r} }});"
    product.policy = f"default-src 'none'; {filled(frames.body.strip(), emban, session)}"
    page.goto(product.serve(f'<div id="analytics"></div><script src="{origin}/sdk/emban-embed.js"></script><script src="/app.js"></script>'))
    page.locator("#analytics iframe").wait_for()
    settled(frame_of(page), 9)
    product.policy = f"default-src 'none'; {filled(elements.body.strip(), emban, session)}"
    page.goto(product.serve(f'<script src="{origin}/sdk/emban-dashboard.js"></script><emban-dashboard token="{session.token}"></emban-dashboard>'))
    settled(page, 9)


def test_the_guide_to_runtime_events_runs(product: Product, page: Page, emban: EmbanProcess) -> None:
    session = product.session()
    (helper,) = of("docs/guides/runtime-events.md", "html", 1)
    page.goto(product.serve(filled(helper.body, emban, session)) + "?period=7d")
    expect(page.locator("#state")).to_have_text("API usage is shown")
    frame = frame_of(page)
    shows(frame, "w_calls", session.value("w_calls", {"period": "7d"}))
    frame.locator('[data-period="90d"]').click()
    page.wait_for_url("**/?period=90d")
    shows(frame, "w_calls", session.value("w_calls", {"period": "90d"}))
    page.emulate_media(color_scheme="dark")
    expect(frame.locator(".root")).to_have_attribute("data-mode", "dark")

    (listeners,) = of("docs/guides/runtime-events.md", "js", 1)
    page.goto(product.serve(
        f'<script src="http://localhost:{emban.port}/sdk/emban-dashboard.js"></script><emban-dashboard token="{session.token}"></emban-dashboard>'
        f"<script>{listeners.body}</script>"))
    element = page.locator("emban-dashboard")
    shows(element, "w_calls", session.value("w_calls", {"period": "30d", "dimensions": {"model": ["claude"]}}))


def test_an_open_page_changes_its_customer(product: Product, page: Page, emban: EmbanProcess) -> None:
    """The last choice holds, however the answers come."""
    (switch,) = of("docs/guides/tenants.md", "js", 1)
    numbers = {tenant: product.session(tenant).value("w_calls", {"period": "30d"}) for tenant in ("acme", "globex")}
    assert numbers["acme"] != numbers["globex"]
    page.goto(product.serve(
        f'<script src="http://localhost:{emban.port}/sdk/emban-dashboard.js"></script><emban-dashboard></emban-dashboard><script>{switch.body}</script>'))
    element = page.locator("emban-dashboard")
    shows(element, "w_calls", numbers["acme"])
    page.evaluate("show('globex')")
    shows(element, "w_calls", numbers["globex"])
    page.evaluate("Promise.all([show('acme'), show('globex'), show('acme')])")
    shows(element, "w_calls", numbers["acme"])
    assert kpi_number(element, "w_calls") == numbers["acme"]
