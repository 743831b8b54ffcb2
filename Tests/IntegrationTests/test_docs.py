"""The documentation against the program: links, commands, examples, routes, settings and codes are what they say they are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client
from embantest.process import ROOT, EmbanProcess, clean_environment
from embantest.team import join
from embantest.workspace import Organization, event

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
EXAMPLE = re.compile(r"<!-- (GET|POST|PUT|PATCH|DELETE) (\S+) (\d{3})(?: as (\w+))? -->\s+```json\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
#: Documents that a reader of the repository meets; not what a build made or downloaded.
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if not {".build", "node_modules"} & set(p.relative_to(ROOT).parts))
API = ROOT / "docs" / "api.md"
SOURCES = sorted((ROOT / "Sources").rglob("*.swift"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_fences(text: str) -> str:
    return FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.M)
    assert found, f"there is no section '{heading}'"
    rest = text[found.end():]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", without_comment_lines(rest), re.M)
    return rest[:end.start()] if end else rest


def without_comment_lines(text: str) -> str:
    """The text with the inside of fences blanked, so that a `# comment` of a shell is no heading; offsets stay."""
    return FENCE.sub(lambda found: " " * len(found[0]), text)


# --- Links ----------------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_fences(path.read_text()), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_relative_links_lead_somewhere(document: Path) -> None:
    broken = []
    for target in LINK.findall(without_fences(document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or not path.is_relative_to(ROOT):
            broken.append(target)
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            broken.append(target)
    assert not broken, f"{named(document)}: {broken}"


def test_files_named_in_backticks_by_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    names = re.findall(r"`((?:Sources|schema|web|Tests|scripts)/[\w+./-]+)`", text)
    missing = [name for name in names if not (ROOT / name).exists()]
    assert not missing, missing


# --- Commands -------------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    script: str
    #: What it must print; `…` stands for anything.
    shown: str | None


def steps(text: str) -> list[Step]:
    """The sh blocks in order, each with the text block that follows it."""
    found: list[Step] = []
    for language, body in FENCE.findall(text):
        if language == "sh":
            found.append(Step(body, None))
        elif language == "text" and found and found[-1].shown is None:
            found[-1].shown = body
    return found


def pattern(shown: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part.strip("\n")) for part in shown.split("…")), re.S)


def run(walkthrough: list[Step], url: str, folder: Path) -> list[str]:
    """Runs the steps in one shell; gives what each printed."""
    mark = "@@@ end of step @@@"
    script = "set -eu\n" + "".join(f"{step.script}\nprintf '\\n%s\\n' '{mark}'\n" for step in walkthrough)
    done = subprocess.run(
        ["sh", "-c", script.replace("http://localhost:8080", url)], capture_output=True, text=True, cwd=folder, timeout=900,
        env=clean_environment())
    outputs = done.stdout.split(mark)[:-1]
    assert done.returncode == 0 and len(outputs) == len(walkthrough), (
        f"step {len(outputs) + 1} failed ({done.returncode}):\n{walkthrough[min(len(outputs), len(walkthrough) - 1)].script}\n"
        f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return outputs


@pytest.mark.parametrize(("document", "heading"), [("README.md", "The first five minutes"), ("docs/quickstart.md", None)])
def test_commands_print_what_the_text_says(emban: EmbanProcess, tmp_path: Path, document: str, heading: str | None) -> None:
    text = (ROOT / document).read_text()
    walkthrough = steps(section(text, heading) if heading else text)
    assert len(walkthrough) >= 6 and sum(step.shown is not None for step in walkthrough) >= 5
    # The embed address names localhost, as a server does that was told nothing about its public address.
    local = f"http://localhost:{emban.port}"
    for step, output in zip(walkthrough, run(walkthrough, local, tmp_path)):
        if step.shown is not None:
            wanted = step.shown.replace("http://localhost:8080", local)
            assert pattern(wanted).search(output), f"{step.script}\nprinted\n{output}\nwhere {document} says\n{wanted}"


# --- Examples of the API --------------------------------------------------------------------------------------------------


def json_blocks() -> list[Any]:
    return [pytest.param(name, body, id=f"{name}-{number}")
            for name in ("api", "queries", "embedding", "quickstart", "operations")
            for number, (language, body) in enumerate(FENCE.findall((ROOT / "docs" / f"{name}.md").read_text())) if language == "json"]


@pytest.mark.parametrize(("document", "body"), json_blocks())
def test_json_examples_parse(document: str, body: str) -> None:
    json.loads(body)


@dataclass
class Stage:
    """An organisation with everything that the examples speak of: events, a published dashboard, a session of it."""

    organization: Organization
    dashboard: str
    #: A copy, also published once, for the examples that change one.
    draft: str
    viewer: Client
    #: Of somebody who is a member of the organisation.
    member: str

    def client(self, who: str | None) -> Client:
        if who == "viewer":
            return self.viewer
        if who == "person":
            # In a session of its own, which the example may end.
            return self.organization.login()
        return Client(self.organization.base) if who == "nobody" else self.organization.admin

    def fill(self, text: str) -> str:
        """`dash_…`, `ses_…` of an example stand for the real ones."""
        text = text.replace("/v1/dashboards/dash_…", f"/v1/dashboards/{self.draft}").replace("dash_…", self.dashboard)
        text = text.replace("org_…", self.organization.id).replace("usr_…", self.member)
        return text.replace("you@example.com", f"{self.organization.email}.example")


@pytest.fixture(scope="module")
def stage(emban: EmbanProcess) -> Iterator[Stage]:
    organization = Organization(emban.url)
    organization.ingest(
        event(user_id=f"user_{number % 7}", string_props={"model": ["gpt-4", "claude"][number % 2], "endpoint": "/chat"},
              numeric_props={"tokens": 100 + number, "latency_ms": 200 + number})
        for number in range(50))
    example = next(json.loads(body) for method, path, _, _, body in EXAMPLE.findall(API.read_text())
                   if (method, path) == ("POST", "/v1/dashboards"))
    dashboard = organization.admin.post("/v1/dashboards", example | {"slug": "stage"}).expect(201)["id"]
    draft = organization.admin.post(f"/v1/dashboards/{dashboard}/duplicate").expect(201)["id"]
    organization.publish(dashboard)
    organization.publish(draft)
    organization.admin.post("/v1/data-apps", {"name": "portal", "dashboards": [draft]}).expect(201)
    permissions = {"allow_customize_layout": True, "allow_manage_widgets": True}
    yield Stage(
        organization, dashboard, draft, organization.session("acme", dashboard, permissions).client, join(organization, "editor").id)


EXAMPLES = [pytest.param(*found, id=f"{found[0]} {found[1]} {found[2]} {number}")
            for number, found in enumerate(EXAMPLE.findall(API.read_text() if API.exists() else ""))]


def test_every_route_with_a_body_has_an_example() -> None:
    examples = [(method, path) for method, path, *_ in EXAMPLE.findall(API.read_text())]
    shown = {(method, route) for method, route in documented_routes()
             if any(method == used and re.fullmatch(re.sub(r":\w+", "[^/]+", route), path) for used, path in examples)}
    with_body = {(method, path) for method, path in documented_routes() if method in ("POST", "PUT", "PATCH")}
    bodiless = {("POST", f"/v1/dashboards/:id/{verb}") for verb in ("publish", "unpublish", "duplicate", "selftest")} | {
        ("POST", "/v1/auth/logout"), ("POST", "/v1/members/leave"), ("POST", "/v1/invites/:id/resend")}
    assert with_body - bodiless - {("POST", "/demo/api/session")} <= shown


@pytest.mark.parametrize(("method", "path", "status", "who", "body"), EXAMPLES)
def test_examples_are_answered_as_marked(stage: Stage, method: str, path: str, status: str, who: str, body: str) -> None:
    answer = stage.client(who or None).request(method, stage.fill(path), raw=stage.fill(body).encode())
    assert answer.status == int(status), str(answer)
    if path == "/v1/embed/query" and "results" in answer.json:
        assert not [result for result in answer.json["results"].values() if "error" in result], str(answer)


# --- Settings -------------------------------------------------------------------------------------------------------------


def test_the_table_of_settings_is_that_of_the_program() -> None:
    source = (ROOT / "Sources/Emban/Configuration/Settings.swift").read_text()
    keys = re.findall(r'"(\w+)"', re.search(r"static let keys = \[(.*?)\]", source, re.S)[1])
    options = (ROOT / "Sources/Emban/Commands/EmbanCommand.swift").read_text()
    flags = set(re.findall(r'"(\w+)": \w+,?', re.search(r"var flags: .*?\{(.*?)\]\.compactMapValues", options, re.S)[1]))
    rows = re.findall(
        r"^\| (\S+) \| `(EMBAN_\w+)` \| `(\w+)` \| (.+?) \| .+ \|$", section((ROOT / "README.md").read_text(), "Settings"), re.M)
    assert [key for _, _, key, _ in rows] == keys
    for flag, variable, key, _ in rows:
        assert variable == "EMBAN_" + key.upper()
        assert flag == (f"`--{key.replace('_', '-')}`" if key in flags else "—"), key
    for key, default in {"host": "127.0.0.1", "port": "8080", "default_plan": "scale", "log_level": "info"}.items():
        assert next(value for _, _, name, value in rows if name == key) == f"`{default}`"
        assert re.search(rf'text\("{key}"\) \?\? "{re.escape(default)}"|{key} = {default}\b', source), key


# --- Routes ---------------------------------------------------------------------------------------------------------------


def routes_of_the_program() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in (ROOT / "Sources/HTTPAPI").rglob("*.swift"):
        found |= {(method.upper(), route) for method, route in re.findall(r'Endpoint\(\s*\.(\w+), "([^"]+)"', path.read_text())}
    return found


def documented_routes() -> set[tuple[str, str]]:
    return {(method, path) for method, path in re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/\S*)` \|", API.read_text(), re.M)}


def test_the_list_of_routes_is_that_of_the_program() -> None:
    program = routes_of_the_program()
    assert len(program) > 30
    assert program - documented_routes() == set(), "not documented"
    assert documented_routes() - program == set(), "documented, but not there"


def test_routes_are_documented_with_their_access_rule() -> None:
    rules: dict[tuple[str, str], str] = {}
    for path in (ROOT / "Sources/HTTPAPI").rglob("*.swift"):
        for method, route, rule in re.findall(r'Endpoint\(\s*\.(\w+), "([^"]+)", \.(\w+)', path.read_text()):
            rules[method.upper(), route] = rule
    documented = {(method, route): rule for method, route, rule in re.findall(
        r"^\| `(GET|POST|PUT|PATCH|DELETE) (/\S*)` \| (\w+) \|", API.read_text(), re.M)}
    assert documented == rules


# --- Codes ----------------------------------------------------------------------------------------------------------------


def documented_codes(heading: str) -> set[str]:
    return set(re.findall(r"^\| `([a-z][a-z0-9_]*)` \|", section(API.read_text(), heading), re.M))


def string_literals() -> set[str]:
    return {text for path in SOURCES for text in re.findall(r'"([a-z][a-z0-9_]*)"', path.read_text())}


def test_documented_error_codes_exist_in_the_code() -> None:
    codes = documented_codes("Error codes")
    assert len(codes) > 30
    assert codes - string_literals() == set()


def test_error_codes_of_the_code_are_documented() -> None:
    """The forms in which errors are made name their code first, or with a label."""
    made = re.compile(
        r"(?:\.(?:malformed|unauthorized|forbidden|conflict|unavailable)\(\s*|\bcode: )\"([a-z][a-z0-9_]*)\"")
    codes = {code for path in SOURCES for code in made.findall(path.read_text())}
    assert len(codes) > 30
    # The Swift client tells of events that cannot be sent as the server would.
    codes -= documented_codes("Codes of rejected events")
    assert codes - documented_codes("Error codes") - documented_codes("Codes in details") == set()


def test_codes_in_details_are_those_of_the_code() -> None:
    """Problems of fields are made with the field first and the code second."""
    made = re.compile(r'(?:\b(?:problem|add)\(|\.invalid\()\s*[^,()]*(?:\([^()]*\)[^,()]*)?,\s*"([a-z][a-z0-9_]*)"|code: "(taken|unknown_field|wrong_type)"')
    codes = {a or b for path in SOURCES for a, b in made.findall(path.read_text())}
    documented = documented_codes("Codes in details")
    assert len(documented) > 25
    assert codes - documented == set(), "not documented"
    assert documented - string_literals() == set(), "documented, but not there"


def test_codes_of_rejected_events_are_documented() -> None:
    source = (ROOT / "Sources/Ingest/Rejection.swift").read_text()
    assert documented_codes("Codes of rejected events") == set(re.findall(r'case \w+ = "(\w+)"', source))


def test_limits_in_the_documentation_are_those_of_the_program() -> None:
    source = (ROOT / "Sources/Domain/Limits.swift").read_text()
    limits = {name: value.replace("_", "") for name, value in re.findall(r"static let (\w+)(?:: Int64)? = ([\d_]+)$", source, re.M)}
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)", section(API.read_text(), "Limits"), re.M))
    assert {name: value.replace(",", "") for name, value in rows.items()} == limits


def test_options_of_widgets_are_those_of_the_viewer() -> None:
    source = (ROOT / "web/packages/core/src/types.ts").read_text()
    known = re.findall(r"readonly (\w+)\?:", re.search(r"interface WidgetOptions \{(.*?)^\}", source, re.S | re.M)[1])
    rows = re.findall(r"^\| `(\w+)` \|", section(API.read_text(), "Formats and options").split("| option |")[1], re.M)
    assert sorted(rows) == sorted(known)


def test_drawn_charts_are_those_of_the_viewer() -> None:
    source = (ROOT / "web/packages/core/src/charts/index.ts").read_text()
    drawn = {tuple(case.split("/")) for case in re.findall(r'"(\w+/\w+)"', source)}
    rows = re.findall(r"^\| `(\w+)` \| .+? \| .+? \| (.+) \|$", section((ROOT / "docs/queries.md").read_text(), "Kinds"), re.M)
    assert {(kind, chart) for kind, charts in rows for chart in re.findall(r"`(\w+)`", charts)} == drawn
