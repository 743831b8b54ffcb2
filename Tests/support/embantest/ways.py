"""Every way in which a product may show a dashboard, behind one face: the same page of the product, the same things to do with it.

Each page has `embeds.NAME` with `setTheme(theme)`, `setFilters(filters)` and `renew(session)`, `said.NAME`, a list of events and what they
say, `fresh`, the session that the back end gives when it is asked, and `fetched`, how often it was.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from embantest.browser import HostPage, Watch, card, settled, shows
from embantest.stage import Stage
from embantest.steady import PATIENCE
from embantest.workspace import Session
from playwright.sync_api import Frame, Locator, Page, expect

Json = dict[str, Any]
Place = Frame | Locator


@dataclass(frozen=True)
class Way:
    name: str
    #: "frame", "element" or "react": what stands in the page.
    kind: str
    #: The script of the server that the page loads; "" where everything is in the page's own bundle.
    script: str = ""
    #: The kind of thing that the React product shows; "" for pages without React.
    scene: str = ""
    #: Single widgets: w_calls and w_list, instead of the whole dashboard.
    single: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def widgets(self) -> int:
        return 2 if self.single else 9


WAYS = [
    Way("helper", "frame", "sdk/emban-embed.js"),
    Way("emban-dashboard", "element", "sdk/emban-dashboard.js"),
    Way("emban-widget", "element", "sdk/emban-dashboard.js", single=True),
    Way("dbn-dashboard", "element", "web-components/dbn-dashboard.js"),
    Way("EmbanEmbedFrame", "frame", scene="frame"),
    Way("useEmbanEmbed", "frame", scene="own"),
    Way("EmbanDashboard", "react", scene="native"),
    Way("EmbanWidget", "react", scene="native", single=True),
]

SINGLE = ["w_calls", "w_list"]

COMMON = """
  window.embeds = {}; window.said = {}; window.fetched = 0;
  // Asks the product's own back end, as pages do.
  window.ask = async () => { window.fetched += 1; const answer = await fetch('/alive'); if (!answer.ok) throw new Error('status ' + answer.status); return window.fresh; };
  const NAMES = ['ready', 'resize', 'drill', 'filter', 'period-change', 'error', 'token-expiring'];
"""

HELPER = """
  for (const { name, session, fetches, more } of window.asked) {
    const fetcher = fetches ? { fetchEmbedUrl: async () => (await ask()).embedUrl } : {};
    const handle = Emban.create({ container: '#' + name, embedUrl: session.embedUrl, ...fetcher, ...more });
    said[name] = [];
    for (const event of NAMES) handle.on(event, (detail) => said[name].push([event, detail]));
    embeds[name] = { setTheme: (theme) => handle.setTheme(theme), setFilters: (filters) => handle.setFilters(filters), renew: (next) => handle.setEmbedUrl(next.embedUrl) };
  }
"""

ELEMENT = """
  for (const { name, session, fetches, more, tag, single } of window.asked) {
    said[name] = [];
    const elements = (single ?? [null]).map((widget) => {
      const element = document.createElement(tag);
      element.setAttribute('token', session.token);
      if (widget) element.setAttribute('widget-id', widget);
      for (const key of ['theme', 'filters']) if (more[key]) element.setAttribute(key, JSON.stringify(more[key]));
      for (const event of NAMES) element.addEventListener('emban-' + event, ({ detail }) => said[name].push([event, detail]));
      if (fetches) element.fetchToken = async () => (await ask()).token;
      document.getElementById(name).append(element);
      return element;
    });
    const all = (action) => (value) => elements.forEach((element) => action(element, value));
    embeds[name] = {
      setTheme: all((element, theme) => element.setTheme(theme)), setFilters: all((element, filters) => element.setFilters(filters)),
      renew: all((element, next) => element.setAttribute('token', next.token)),
    };
  }
"""

REACT = """
  window.freshUrl = async () => (await ask()).embedUrl;
  window.freshToken = async () => (await ask()).token;
  const kebab = (on) => on.slice(2).replace(/(?!^)[A-Z]/g, (letter) => '-' + letter).toLowerCase();
  for (const { name } of window.scene) {
    Object.defineProperty(said, name, { get: () => log.filter(([one]) => one === name).map(([, on, , detail]) => [kebab(on), detail]) });
    embeds[name] = {
      setTheme: (theme) => window.set(name, { theme }), setFilters: (filters) => window.set(name, { filters }),
      renew: ({ token, embedUrl }) => window.set(name, { token, embedUrl }),
    };
  }
"""


def known(session: Session) -> Json:
    return {"token": session.token, "embedUrl": session.embed_url}


@dataclass
class Opened:
    """A page of the product that shows something."""

    way: Way
    page: Page
    watch: Watch
    host: HostPage

    def place(self, name: str = "one") -> Place:
        """Where it is shown."""
        if self.way.kind != "frame":
            return self.page.locator(f"#{name}")
        self.page.locator(f"#{name} iframe").wait_for(state="attached")
        handle = self.page.locator(f"#{name} iframe").element_handle()
        frame = handle.content_frame() if handle else None
        assert frame is not None
        return frame

    def settled(self, name: str = "one") -> Place:
        place = self.place(name)
        settled(place, self.way.widgets)
        return place

    def said(self, event: str, name: str = "one") -> list[Any]:
        return self.page.evaluate("([name, event]) => said[name].filter(([one]) => one === event).map(([, detail]) => detail)", [name, event])

    def wait_for(self, event: str, name: str = "one", **wanted: Any) -> Any:
        """What the first event says that is as wanted."""
        find = """([name, event, wanted]) => said[name].find(([one, detail]) => one === event && Object.entries(wanted).every(([key, value]) => detail[key] === value))"""
        self.page.wait_for_function(find, arg=[name, event, wanted])
        return self.page.evaluate(find, [name, event, wanted])[1]

    def call(self, method: str, value: Any, name: str = "one") -> None:
        self.page.evaluate("([name, method, value]) => embeds[name][method](value)", [name, method, value])

    def renew(self, session: Session, name: str = "one") -> None:
        self.call("renew", known(session), name)

    def give(self, session: Session) -> None:
        """What the back end gives from now on."""
        self.page.evaluate("session => { window.fresh = session; }", known(session))

    def errors(self, name: str = "one") -> list[str]:
        return [detail["code"] for detail in self.said("error", name)]

    def codes(self, name: str = "one") -> set[str]:
        """Single widgets side by side tell of the same end each for itself."""
        return set(self.errors(name))

    # --- What viewers do, where the way lets them

    def choose(self, name: str = "one") -> None:
        """The viewer's own choice: a week; of single widgets an endpoint."""
        place = self.place(name)
        if self.way.single:
            card(place, "w_list").get_by_role("button", name="/v1/chat").click()
        else:
            place.get_by_role("radio", name="7 days").click()
        self.chosen(name)

    def chosen(self, name: str = "one") -> None:
        place = self.place(name)
        if self.way.single:
            expect(card(place, "w_list").get_by_role("button", name="/v1/chat")).to_have_attribute("aria-pressed", "true")
        else:
            expect(place.get_by_role("radio", name="7 days")).to_be_checked()
        self.settled(name)

    def shows_choice(self, session: Session, name: str = "one") -> None:
        """What was chosen still holds, and the numbers are those of the choice. Elements of one widget each have filters of their own."""
        self.chosen(name)
        state: Json = {"period": "7d"}
        if self.way.single:
            state = {"period": "30d"} if self.way.kind == "element" else {"period": "30d", "dimensions": {"endpoint": ["/v1/chat"]}}
        shows(self.place(name), "w_calls", session.value("w_calls", state))


@dataclass
class Product:
    """Opens pages of the product."""

    stage: Stage
    make_host: Callable[[], HostPage]
    #: The product's bundle with React.
    bundle: str

    def open(
        self, way: Way, sessions: dict[str, Session], *, fetches: bool = False, style: str = "", policy: bool = False, at: Any = None,
        more: Json | None = None, expected: str | None = None, **options: Any,
    ) -> Opened:
        """A page with a place for each session; `at`: the browser's clock is the test's, and shows this time."""
        stage, host = self.stage, self.make_host()
        host.pages["/alive"] = "yes"
        head = f"<style>{style}</style>" if style else ""
        if policy:
            # The policies of the documentation; the page's own scripts are files. Anything else shows as a violation.
            head += ('<meta http-equiv="Content-Security-Policy" content="' + f"default-src 'none'; script-src 'self' {stage.origin}; frame-src {stage.origin}; "
                     f"connect-src 'self' {stage.origin}; img-src data: https:; style-src 'none'" + '">')
        if way.script:
            head += f'<script src="{stage.origin}/{way.script}"></script>'
        places = "".join(f'<section id="{name}" aria-label="{name}"></section>' for name in sessions) if not way.scene else '<div id="root"></div>'
        host.pages["/page.js"] = self._script(way, sessions, fetches, more or {})
        scripts = '<script src="/page.js"></script>'
        if way.scene:
            host.pages["/bundle.js"] = self.bundle
            host.pages["/after.js"] = REACT
            scripts += '<script src="/bundle.js"></script><script src="/after.js"></script>'
        url = host.serve(f'<h1 id="title">Product</h1><button id="before">Before</button>{places}<button id="after">After</button>{scripts}', head)
        page, watch = stage.page(host=host, **options)
        if expected:
            watch.expected = re.compile(expected)
        if at is not None:
            page.clock.install(time=at)
        page.goto(url)
        opened = Opened(way, page, watch, host)
        for name in sessions:
            opened.settled(name)
        return opened

    def _script(self, way: Way, sessions: dict[str, Session], fetches: bool, more: Json) -> str:
        single = SINGLE if way.single else None
        if not way.scene:
            asked = [{"name": name, "session": known(session), "fetches": fetches, "more": more, "tag": way.name, "single": single} for name, session in sessions.items()]
            return f"(() => {{ window.asked = {json.dumps(asked)}; {COMMON} {HELPER if way.kind == 'frame' else ELEMENT} }})();"
        scene = [
            {"kind": way.scene, "name": name, "fetches": fetches, "host": self.stage.origin, "dashboardId": self.stage.dashboard, **known(session), **more,
             **({"parts": single} if single else {})}
            for name, session in sessions.items()]
        return f"{COMMON.replace('const NAMES', 'window.NAMES')} window.scene = {json.dumps(scene)};"


def until(page: Page, is_so: Callable[[], object], what: str = "") -> None:
    """Waits for something outside of the page, while what the page asks for is still answered."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(30)


#: Which element has the focus, by name and by a number of its own.
PLACE = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  window.placesOfFocus ??= new Map();
  if (!placesOfFocus.has(active)) placesOfFocus.set(active, placesOfFocus.size);
  return [active?.localName, placesOfFocus.get(active)];
}"""


def tab(page: Page, inside: Page | Frame, key: str = "Tab") -> None:
    """Goes on by the key, and waits until the focus has arrived: a frame of another site lives in a process of its own."""

    def places() -> list[Any]:
        return [page.evaluate(PLACE), inside.evaluate(PLACE)]

    def has_moved() -> bool:
        now = places()
        return now != before and (now[0][0] != "iframe" or now[1][0] not in (None, "body"))

    before = places()
    page.keyboard.press(key)
    until(page, has_moved, "the focus moves on")
