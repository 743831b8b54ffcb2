"""Nothing in the documentation is only there to be read: which test runs which block, and the blocks that no other test runs."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client
from embantest.files import run_local, write_parquet
from embantest.live import LiveStream
from embantest.process import ROOT, EmbanProcess, binary, clean_environment, free_port
from embantest.snippets import PAGES, Command, Snippet, of, printed, shell, snippets
from embantest.team import join
from embantest.workspace import Organization, event, kpi
from test_docs import pattern, steps
from test_doctor import examine

# --- Who runs what --------------------------------------------------------------------------------------------------------

HERE = "IntegrationTests/test_docs_snippets.py"
DOCS = "IntegrationTests/test_docs.py"
BROWSER = "BrowserTests/test_docs_pages.py"

#: (page, language, mark) → the test that runs such a block. The first line that fits holds.
RUN: list[tuple[str, str, str, str]] = [
    ("README.md", "sh|text", "", f"{DOCS}::test_commands_print_what_the_text_says"),
    ("docs/quickstart.md", "sh|text", "", f"{DOCS}::test_commands_print_what_the_text_says"),
    ("docs/guides/tenants.md", "sh|text", "", f"{HERE}::test_the_commands_of_guides_print_what_they_show"),
    ("docs/guides/permissions.md", "sh|text", "", f"{HERE}::test_the_commands_of_guides_print_what_they_show"),
    ("README.md", "console", "", f"{HERE}::test_a_file_is_imported_as_the_readme_says"),
    ("docs/quickstart.md", "console", "", f"{HERE}::test_the_program_starts_as_it_is_written"),
    ("docs/api.md", "json", "* *", f"{DOCS}::test_examples_are_answered_as_marked"),
    ("docs/api.md", "json", "", f"{HERE}::test_answers_have_the_shape_that_is_shown"),
    ("docs/api.md", "text", "", f"{HERE}::test_a_stream_says_what_is_shown"),
    ("docs/team.md", "console", "", f"{HERE}::test_an_operator_makes_a_link_as_it_is_written"),
    ("docs/events.md", "bash", "", f"{HERE}::test_events_are_kept_for_some_time"),
    ("docs/queries.md", "json", "", f"{HERE}::test_the_question_is_answered"),
    ("docs/operations.md", "console", "", f"{HERE}::test_a_copy_is_restored_and_tried_for_isolation"),
    ("docs/operations.md", "sh", "", f"{HERE}::test_a_copy_is_restored_and_tried_for_isolation"),
    ("docs/import-export.md", "*", "", f"{HERE}::test_files_come_in_and_go_out_as_it_is_written"),
    ("docs/embedding.md", "console", "", f"{HERE}::test_sessions_and_data_apps_are_made_as_it_is_written"),
    ("docs/embedding.md", "json", "", f"{HERE}::test_parts_of_dashboards_and_sessions_are_taken"),
    ("docs/embedding.md", "html", "", f"{BROWSER}::test_each_way_of_embedding_shows_the_dashboard"),
    ("docs/embedding.md", "css", "", f"{BROWSER}::test_styles_reach_what_they_name"),
    ("docs/embedding.md", "text", "", f"{BROWSER}::test_the_policies_let_enough_through"),
    ("docs/guides/runtime-events.md", "html|js", "", f"{BROWSER}::test_the_guide_to_runtime_events_runs"),
    ("docs/guides/tenants.md", "js", "", f"{BROWSER}::test_an_open_page_changes_its_customer"),
    ("docs/guides/troubleshooting.md", "console", "", f"{HERE}::test_the_proxy_lets_everything_through_and_the_doctor_says_when_not"),
    ("docs/guides/troubleshooting.md", "nginx", "", f"{HERE}::test_the_proxy_lets_everything_through_and_the_doctor_says_when_not"),
    ("docs/guides/*", "*", "examples/*", "IntegrationTests/test_python_guides.py::test_guides_show_what_the_examples_are"),
    ("docs/guides/nextjs.md", "ts|tsx", "", "IntegrationTests/test_nextjs_example.py::test_the_guide_shows_the_files_as_they_are"),
    ("docs/guides/node.md", "js", "", "IntegrationTests/test_web_guides.py::test_the_guide_to_node_runs_from_its_first_to_its_last_line"),
    ("docs/guides/react.md", "tsx", "", "IntegrationTests/test_web_guides.py::test_the_guide_to_react_is_rendered_and_its_types_are_sound"),
    ("docs/guides/python.md", "python", "", "IntegrationTests/test_python_guides.py::test_the_guide_to_the_package_runs"),
    ("docs/guides/swift.md", "swift", "", "IntegrationTests/test_swift_guide.py::test_every_snippet_of_the_guide_is_run_by_a_test"),
    ("docs/guides/swift.md", "console", "", "IntegrationTests/test_swift_guide.py::test_the_example_is_the_same_in_its_own_package"),
    ("sdk/python/README.md", "python", "", f"{HERE}::test_the_python_package_says_how_it_is_used"),
    ("web/packages/sdk/README.md", "js", "", "IntegrationTests/test_web_guides.py::test_the_package_says_how_it_is_used"),
    ("web/packages/react/README.md", "tsx", "", "IntegrationTests/test_web_guides.py::test_the_guide_to_react_is_rendered_and_its_types_are_sound"),
    ("examples/pipeline/README.md", "console", "", "IntegrationTests/test_python_guides.py::test_a_pipeline_refreshes_what_was_kept"),
    # The same sources, started otherwise: Next.js is not among what the tests install, and SwiftPM would build everything once more.
    ("examples/swift/README.md", "console", "", "BrowserTests/test_examples_swift.py::test_each_customer_sees_its_own_numbers"),
    ("examples/nextjs/README.md", "console", "", "BrowserTests/test_nextjs_pages.py::test_the_dashboard_of_the_customer_who_is_signed_in"),
    ("examples/*/README.md", "console", "", "BrowserTests/test_examples_python.py::test_the_readme_says_how_it_is_started"),
    ("docs/ARCHITECTURE.md", "text", "", f"{HERE}::test_dependencies_point_one_way"),
    ("docs/console.md", "console", "", "IntegrationTests/test_dashboard_files.py::test_the_console_s_page_shows_what_is_printed"),
    ("docs/sql.md", "sql", "", "IntegrationTests/test_sql.py::test_the_statements_of_the_page_run"),
    ("docs/adr/0002-*", "sql", "", f"{HERE}::test_the_statements_of_a_decision_are_understood"),
]

#: Blocks that are nothing to run, and why.
NOT_RUN = {
    ("docs/adr/0008-fusion.md", "sql"): "the shape of a statement, with gaps; the statements themselves are in Tests/Golden",
}

#: Commands within blocks that are not run, and why.
NOT_TYPED = {
    r"git clone … emban && cd emban|make (build|demo|test)": "they are what comes before any test: the checks of this repository begin with them",
    r"make chaos.*": "takes ten minutes; Tests/IntegrationTests/test_faults.py runs the same rig for shorter",
    r"(pip|npm) install .*|node web/build\.mjs --packages": "fetches from registries; the tests use what it installs, from the same folders",
}


def runner(snippet: Snippet) -> str | None:
    for page, languages, mark, test in RUN:
        fits = languages == "*" or snippet.language in languages.split("|")
        if fnmatch(snippet.page, page) and fits and (fnmatch(snippet.mark, mark) if mark else True):
            return test
    return None


def is_typed(command: Command) -> bool:
    return not any(re.fullmatch(pattern, command.text) for pattern in NOT_TYPED)


def test_every_block_is_run_by_a_test() -> None:
    unrun, used = [], set()
    for page in PAGES:
        text = re.sub(r"^ {4}.*$", "", (ROOT / page).read_text(), flags=re.M)
        assert len(snippets(page)) * 2 == len(re.findall(r"^\s*(?:```|~~~)", text, re.M)), f"{page} has a block that is not found"
        for snippet in snippets(page):
            only_installs = snippet.language == "console" and not any(map(is_typed, snippet.commands)) if snippet.body.startswith("$ ") else False
            test = runner(snippet)
            if test is not None:
                used.add(test)
            elif (snippet.page, snippet.language) not in NOT_RUN and not only_installs:
                unrun.append(str(snippet))
    assert not unrun, "no test runs these: " + ", ".join(unrun)
    for test in {test for *_, test in RUN}:
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / "Tests" / file).read_text(), re.M), f"there is no {test}"
        assert test in used, f"{test} has nothing to run any more"


@pytest.fixture
def filled(organization: Organization) -> Organization:
    """With events and a published dashboard of the name that the documentation uses."""
    organization.ingest(
        event(number % 3 and "acme" or "globex", user_id=f"user_{number % 7}", string_props={"model": ["gpt-4", "claude"][number % 2], "status": "ok"},
              numeric_props={"tokens": 100 + number, "latency_ms": 200 + number})
        for number in range(60))
    for slug in ("usage", "revenue-overview"):
        organization.create_dashboard([kpi("w_calls")], name=slug, slug=slug, publish=True)
    return organization


def values(organization: Organization) -> dict[str, str]:
    return {"http://localhost:8080": organization.base, "eb_adm_…": organization.key, "eb_ing_…": organization.key}


# --- Commands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["docs/guides/tenants.md", "docs/guides/permissions.md"])
def test_the_commands_of_guides_print_what_they_show(filled: Organization, tmp_path: Path, page: str) -> None:
    """One after the other in one shell, as the guide says."""
    walkthrough = steps((ROOT / page).read_text())
    assert len(walkthrough) >= 4 and all(step.shown for step in walkthrough)
    mark = "@@@ end of step @@@"
    script = "".join(f"{step.script}\nprintf '\\n%s\\n' '{mark}'\n" for step in walkthrough)
    outputs = shell(script, tmp_path, {}, {"EMBAN_URL": filled.base, "EMBAN_API_KEY": filled.key}).split(mark)
    for step, output in zip(walkthrough, outputs):
        for line in (step.shown or "").splitlines():
            assert pattern(line).search(output), f"{step.script}\nprinted\n{output}\nwhere {page} says\n{line}"


def test_the_program_starts_as_it_is_written(tmp_path: Path) -> None:
    """Both first pages have the same command."""
    commands = [command for page in ("README.md", "docs/quickstart.md") for snippet in snippets(page) if snippet.language == "console"
                for command in snippet.commands if "emban serve" in command.text]
    assert len(commands) == 2 and commands[0] == commands[1]
    port = free_port()
    process = subprocess.Popen(
        [str(binary()), *commands[0].text.split()[1:]], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=clean_environment({"EMBAN_PORT": str(port)}))
    assert process.stdout is not None
    alarm = threading.Timer(180, process.kill)
    alarm.start()
    try:
        wanted = printed("\n".join(commands[0].shown))
        assert any(wanted.search(line.strip()) for line in process.stdout), "it ended without a word"
    finally:
        alarm.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert (tmp_path / "data").is_dir()


CALLS = "customer,time,model,endpoint,tokens,latency_ms\n" + "".join(
    f"{'' if line == 204 else 'acme'},{'soon' if line == 17 else f'2026-01-{line % 28 + 1:02}T10:00:00Z'},gpt-4,/chat,{line},2\n" for line in range(2, 302))


def test_a_file_is_imported_as_the_readme_says(filled: Organization, tmp_path: Path) -> None:
    """And what is wrong in it is told as import-export.md shows."""
    last = of("README.md", "console", 3)[-1].commands
    (tmp_path / "calls.csv").write_text(CALLS)
    output = shell("\n".join(command.text for command in last), tmp_path, values(filled), {"EMBAN_URL": filled.base, "EMBAN_API_KEY": filled.key})
    (shown,) = of("docs/import-export.md", "text", 1)
    for line in shown.body.splitlines():
        assert printed(line).search(output), f"{line}\nis not in\n{output}"
    assert re.search(r"line 17\b", output) and re.search(r"line 204\b", output)


def test_files_come_in_and_go_out_as_it_is_written(filled: Organization, other_organization: Organization, tmp_path: Path) -> None:
    into, out, move = (snippet.commands for snippet in of("docs/import-export.md", "console", 3))
    write_parquet(
        tmp_path / "calls.parquet",
        """SELECT if(number % 2 = 0, 'acme', 'globex') AS customer, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number * 3600 AS time, 'gpt-4' AS model,
           '/chat' AS endpoint, number AS tokens, 2 AS latency_ms FROM numbers(1500)""")
    for commands in (into, out):
        output = shell("\n".join(command.text for command in commands), tmp_path, values(filled))
        assert printed("\n".join(commands[-1].shown)).search(output), output
    (tmp_path / "acme.parquet").unlink()
    assert filled.count("acme", event_name="api.call", period={"from": "2026-01-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}) == 750
    one, other = move
    environment = {"EMBAN_URL": filled.base, "EMBAN_API_KEY": filled.key}
    shell(one.text, tmp_path, values(filled), environment)
    shell(other.text, tmp_path, {"https://other.example.com": other_organization.base, "eb_adm_…": other_organization.key}, environment)
    assert other_organization.count("acme") == filled.count("acme") > 750 and other_organization.count("globex") == 0


def test_an_operator_makes_a_link_as_it_is_written(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    (snippet,) = of("docs/team.md", "console", 1)
    (command,) = snippet.commands
    public = "https://analytics.example.com"
    assert public in command.text
    output = shell(command.text, tmp_path, {"ada@example.com": organization.email, "./data": str(emban.data_dir)})
    assert printed("\n".join(command.shown)).search(output), output
    token = re.search(r"#token=(\w+)$", output.strip())
    assert token
    body = {"token": token[1], "password": "another long password 7"}
    assert Client(organization.base).post("/v1/auth/password/reset", body).status == 204


def test_events_are_kept_for_some_time(filled: Organization, tmp_path: Path) -> None:
    (snippet,) = of("docs/events.md", "bash", 1)
    output = shell(snippet.body, tmp_path, values(filled), {"EMBAN_KEY": filled.key})
    assert json.loads(output)["retention_days"] == 400


def test_a_copy_is_restored_and_tried_for_isolation(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    """Backup by tar, the restored copy served, and the self-test with and without a server."""
    (backup,) = of("docs/operations.md", "console", 1)
    with_server, without = of("docs/operations.md", "sh", 2)[0].body.splitlines()
    first = own_server(data_dir=tmp_path / "srv" / "emban").start()
    organization = Organization(first.url)
    organization.ingest(event() for _ in range(3))
    organization.create_dashboard([kpi("w_calls")], slug="usage", publish=True)
    assert first.terminate() == 0
    shell("\n".join(command.text for command in backup.commands), tmp_path, {"/srv": str(tmp_path / "srv")})
    shutil.rmtree(tmp_path / "srv")
    shell("tar -xzf emban-backup.tar.gz && mv emban data", tmp_path, {})
    second = own_server(data_dir=tmp_path / "data").start()
    assert Organization.count(organization_at(organization, second.url), "acme") == 3
    assert "failed" not in shell(with_server, tmp_path, {"eb_adm_…": organization.key, "http://localhost:8080": second.url}).lower().replace("0 failed", "")
    assert second.terminate() == 0
    shell(without, tmp_path, {})


def organization_at(organization: Organization, base: str) -> Organization:
    """The same, on another server."""
    moved = Organization.__new__(Organization)
    moved.__dict__.update(organization.__dict__, base=base, admin=Client(base).bearer(organization.key))
    return moved


def test_sessions_and_data_apps_are_made_as_it_is_written(filled: Organization, tmp_path: Path) -> None:
    session, app = (snippet.commands for snippet in of("docs/embedding.md", "console", 2))
    environment = {"EMBAN_URL": filled.base, "EMBAN_API_KEY": filled.key}
    made = json.loads(shell(session[0].text, tmp_path, {}, environment))
    assert set(made) == set(json.loads("\n".join(session[0].shown)))
    assert made["embed_url"].split("/embed/dash_")[1].partition("?token=")[2] == made["token"]
    assert json.loads(shell(app[0].text, tmp_path, {}, environment))["name"] == "my-app"
    guest = filled.admin.post("/api/v2/guest-token/create", {"clientId": "acme", "dataAppName": "my-app"}).expect(200)["token"]
    shown = Client(filled.base).bearer(guest).get("/v1/embed/dashboard").expect(200)
    assert [one["slug"] for one in shown["dashboards"]] == ["usage", "revenue-overview"]


def test_the_python_package_says_how_it_is_used(filled: Organization, tmp_path: Path) -> None:
    (snippet,) = of("sdk/python/README.md", "python", 1)
    program = snippet.body.replace("https://analytics.example.com", filled.base).replace("eb_adm_…", filled.key) + "print(session.expires_at)"
    (tmp_path / "readme.py").write_text(program)
    before = filled.count("acme")
    shell(f"{sys.executable} readme.py", tmp_path, {}, {"PYTHONPATH": str(ROOT / "sdk" / "python" / "src")})
    assert filled.count("acme") == before + 1


# --- JSON -----------------------------------------------------------------------------------------------------------------


def test_parts_of_dashboards_and_sessions_are_taken(filled: Organization) -> None:
    """Each is made a part of something whole, and that is asked for."""
    widget, live, context, parts = (json.loads(snippet.body) for snippet in of("docs/embedding.md", "json", 4))
    for config in ({"name": "Clicks", "widgets": [widget]}, live | {"widgets": [kpi("w_calls")]}, parts | {"name": "Soft"}):
        dashboard = filled.create_dashboard(config["widgets"], **{name: value for name, value in config.items() if name != "widgets"}, publish=True)
        session = filled.session("acme", dashboard["id"], **context)
        results = session.results()
        assert len(results) == 1 and "error" not in next(iter(results.values()))
    assert session.value("w_calls") == 0, "nobody's events are user-7's, in eu or us"
    filled.ingest([event(string_props={"owner": "user-7", "region": "eu"}), event(string_props={"owner": "user-7", "region": "asia"}),
                   event(string_props={"owner": "user-8", "region": "eu"})])
    assert session.value("w_calls") == 1


def test_the_question_is_answered(filled: Organization) -> None:
    (snippet,) = of("docs/queries.md", "json", 1)
    answer = filled.admin.post("/v1/query", {"tenant_id": "acme", "query": json.loads(snippet.body)}).expect(200)
    assert {row["model"] for row in answer["rows"]} == {"gpt-4", "claude"}


def misfits(shown: Any, answer: Any, place: str = "") -> Iterator[str]:
    """Where what is shown is not what was answered: a member that is missing, or of another type."""
    if isinstance(shown, dict):
        if not isinstance(answer, dict):
            yield f"{place}: {answer!r}"
            return
        for name, value in shown.items():
            if name not in answer:
                yield f"{place}.{name} is missing"
            else:
                yield from misfits(value, answer[name], f"{place}.{name}")
    elif isinstance(shown, list):
        if not isinstance(answer, list) or (shown and not answer):
            yield f"{place}: {answer!r}"
        for one in shown[:1]:
            for other in answer[:1]:
                yield from misfits(one, other, f"{place}[]")
    elif shown is not None and answer is not None and isinstance(shown, str) != isinstance(answer, str):
        yield f"{place}: {answer!r} instead of {shown!r}"


def test_answers_have_the_shape_that_is_shown(filled: Organization) -> None:
    shown = [json.loads(snippet.body) for snippet in snippets("docs/api.md") if snippet.language == "json" and not snippet.mark]
    admin = filled.admin
    wrong = {"events": [event(), {"tenant_id": "acme"}]}
    permissions = {"allowed_periods": ["7d"], "locked_filters": {"model": "gpt-4"}, "allow_export": False, "max_date_range_days": 90}
    dashboard = filled.create_dashboard(
        [{**kpi("w_models"), "kind": "breakdown", "query": {"event_name": "api.call", "metric": "count", "group_by": "status"}}],
        filters=[{"id": "f_model", "type": "select", "dimension": "model"}], slug="shape", publish=True)["id"]
    session = filled.session("acme", dashboard, permissions, timezone="Europe/Berlin", locale="de-CH")
    owner = filled.login()
    owner.patch(f"/v1/members/{join(filled, 'editor', owner).id}", {"role": "admin"}).expect(200)
    answers = [
        admin.get("/v1/audit", query={"action": "member.role"}).expect(200)["data"][0],
        admin.post("/v1/events", {"events": [event()] * 3}).expect(200),
        admin.post("/v1/events", wrong).expect(200),
        admin.get("/v1/discover").expect(200),
        admin.post("/v1/query", {
            "tenant_id": "acme", "kind": "breakdown", "timezone": "Europe/Berlin",
            "query": {"event_name": "api.call", "metric": "count", "group_by": "model", "period": "7d", "compare": "previous_period"}}).expect(200),
        session.dashboard(),
        Client(filled.base).get("/readyz").expect(200),
        admin.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": "usage", "expires_in": 5}).expect(422),
    ]
    assert len(shown) == len(answers), "docs/api.md shows an answer that is not asked for here"
    assert answers[1:3] == shown[1:3]
    assert [place for example, answer in zip(shown, answers) for place in misfits(example, answer)] == []
    assert {**answers[-1], "request_id": ""} == {**shown[-1], "request_id": ""}


def test_a_stream_says_what_is_shown(filled: Organization) -> None:
    (snippet,) = of("docs/api.md", "text", 1)
    shown = re.findall(r"^event: (\w+)\ndata: (.*)$", snippet.body, re.M)
    session = filled.session("acme", "usage")
    stream = LiveStream(session.client)
    filled.ingest([event()])
    stream.wait_for(2)
    filled.admin.delete(f"/v1/embed-sessions/{session.session_id}")
    stream.wait_for_end()
    said = [(one.name, one.data) for one in stream.events]
    assert [name for name, _ in said if name != "changed"] == [name for name, _ in shown if name != "changed"] and "changed" in dict(said)
    for name, data in shown:
        assert set(dict(said)[name]) == set(json.loads(data)), name
    assert dict(said)["revoked"] == {"code": "session_revoked"} and dict(said)["end"] == {"code": "session_revoked"}


# --- What stands around ---------------------------------------------------------------------------------------------------


class Nginx:
    """The real one, with the snippet of the guide in a server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        # Held until it starts, so that nobody else is given it meanwhile.
        self.place = socket.socket()
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", self.port))
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def serve(self, location: str, around: str = "") -> None:
        self.stop()
        places = "".join(f"{name}_temp_path {self.folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {self.folder}/pid; error_log stderr error;
            events {{}}
            http {{ access_log off; {places} server {{ listen 127.0.0.1:{self.port}; {around} {location} }} }}
            """)
        self.place.close()
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while True:
            try:
                Client(self.url).get("/healthz")
                return
            except OSError:
                assert self.process.poll() is None, self.process.stderr and self.process.stderr.read().decode()
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


def test_the_proxy_lets_everything_through_and_the_doctor_says_when_not(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    """The largest request, streams, and everything else that the doctor looks at. Then a header is added, as the guide's example has it."""
    (snippet,) = of("docs/guides/troubleshooting.md", "nginx", 1)
    (example,) = of("docs/guides/troubleshooting.md", "console", 1)
    (command,) = example.commands
    nginx = Nginx(tmp_path)
    emban = own_server(environment={"EMBAN_PUBLIC_URL": nginx.url}).start()
    location = snippet.body.replace("http://127.0.0.1:8080", emban.url)
    # In the test viewers are on this very machine.
    options = command.text.split('"$EMBED_URL"')[1].replace("https://app.example.com", "http://localhost:3000").split()
    try:
        nginx.serve(location)
        organization = Organization(nginx.url)
        dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
        one = event(string_props={f"p{number}": "x" * 4_000 for number in range(50)})
        most = json.dumps({"events": [one] * 41}, separators=(",", ":"))
        assert 8_200_000 < len(most) <= 8_388_608
        assert organization.admin.request("POST", "/v1/events", raw=most.encode()).expect(200)["accepted"] == 41
        session = organization.session("acme", dashboard)
        assert session.embed_url.startswith(nginx.url)
        examine(emban, session.embed_url, *options).expect()
        nginx.serve(location, "add_header X-Frame-Options SAMEORIGIN;")
        report = examine(emban, session.embed_url, *options)
    finally:
        nginx.stop()
    position = 0
    for line in command.shown:
        if line not in ("…", ""):
            found = printed(line.replace("https://analytics.example.com", nginx.url)).search(report.text, position)
            assert found, f"{line}\nis not in\n{report.text}"
            position = found.start()


def test_dependencies_point_one_way() -> None:
    """Each arrow of the drawing is a dependency in Package.swift, and none points the other way."""
    (snippet,) = of("docs/ARCHITECTURE.md", "text", 1)
    package = (ROOT / "Package.swift").read_text()
    targets = {name: set(re.findall(r'"(\w+)"', listed)) for name, listed in re.findall(
        r'\.(?:executableT|t)arget\(\s*name: "(\w+)",(?:\s*dependencies: \[(.*?)\][,)])?', package, re.S)}
    chains = [[part.strip().split(", ") for part in line.split("←")] for line in snippet.body.splitlines()]
    known = {name for chain in chains for part in chain for name in part if name in targets}
    for chain in chains:
        for inner, outer in zip(chain, chain[1:]):
            left_out = {"HTTPAPI", "Emban", "Rollups", *" ".join(inner).split()}
            below = [name for name in inner if name in targets] or sorted(known - left_out)
            for name in outer:
                assert set(below) <= targets[name], f"{name} does not depend on {below}"
                assert not any(name in targets[one] for one in below)


def test_the_statements_of_a_decision_are_understood() -> None:
    """By a real ClickHouse, whose tables have the settings that they change."""
    (snippet,) = of("docs/adr/0002-durability.md", "sql", 1)
    made = "".join(f"CREATE TABLE emban.{name} (id UInt8) ENGINE = MergeTree ORDER BY id;" for name in ("events", "event_ids"))
    shown = run_local(f"CREATE DATABASE emban; {made} {snippet.body} SHOW CREATE TABLE emban.events FORMAT TSVRaw;")
    assert "fsync_after_insert = 0" in shown
