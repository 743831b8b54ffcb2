"""`emban dashboards apply`: files become drafts, and what customers see."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from embantest.process import binary, clean_environment
from embantest.snippets import snippets
from embantest.workspace import Organization, event, kpi, timeseries


def apply(organization: Organization, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binary()), "dashboards", "apply", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        env=clean_environment({"EMBAN_URL": organization.base, "EMBAN_API_KEY": organization.key, **variables}))


def written(folder: Path, file: str = "usage.json", **more: Any) -> dict[str, Any]:
    config = {"name": "Usage", "slug": "usage", "widgets": [kpi("w_calls"), timeseries("w_trend")]} | more
    (folder / file).write_text(json.dumps(config))
    return config


def dashboard(organization: Organization, slug: str = "usage") -> dict[str, Any]:
    return organization.admin.get(f"/v1/dashboards/{slug}").expect(200)


def test_the_console_s_page_shows_what_is_printed(organization: Organization, tmp_path: Path) -> None:
    organization.ingest([event("acme"), event("globex")])
    written(tmp_path)
    [snippet] = [snippet for snippet in snippets("docs/console.md") if snippet.language == "console"]
    lines = [line for line in snippet.body.splitlines() if line]
    commands = 0
    while lines:
        command = lines.pop(0).removeprefix("$ EMBAN_API_KEY=eb_adm_… emban dashboards apply ").split()
        told = apply(organization, tmp_path, *command, "--url", organization.base)
        assert (told.returncode, told.stdout.strip()) == (0, lines.pop(0)), told.stderr
        commands += 1
    assert commands == 2
    assert dashboard(organization)["published_version"] == 1


def test_a_file_makes_changes_and_leaves_a_dashboard(organization: Organization, tmp_path: Path) -> None:
    written(tmp_path)
    assert apply(organization, tmp_path, "usage.json").stdout == "usage: created\n"
    assert apply(organization, tmp_path, "usage.json").stdout == "usage: unchanged\n"
    config = written(tmp_path, name="Use", timezone="Europe/Berlin")
    assert apply(organization, tmp_path, "usage.json").stdout == "usage: updated\n"
    now = dashboard(organization)
    assert (now["name"], now["timezone"], now["status"]) == ("Use", "Europe/Berlin", "draft")
    assert [widget["id"] for widget in now["widgets"]] == [widget["id"] for widget in config["widgets"]]


def test_what_customers_see_changes_with_publish_only(organization: Organization, tmp_path: Path) -> None:
    written(tmp_path)
    assert apply(organization, tmp_path, "--publish", "usage.json").stdout == "usage: created, published as version 1\n"
    written(tmp_path, description="More")
    assert apply(organization, tmp_path, "usage.json").stdout == "usage: updated\n"
    assert dashboard(organization)["published_version"] == 1
    assert apply(organization, tmp_path, "--publish", "usage.json").stdout == "usage: unchanged, published as version 2\n"
    assert apply(organization, tmp_path, "--publish", "usage.json").stdout == "usage: unchanged, live as version 2\n"
    organization.admin.post("/v1/dashboards/usage/unpublish").expect(204)
    assert apply(organization, tmp_path, "--publish", "usage.json").stdout == "usage: unchanged, published as version 3\n"


def test_what_the_server_gives_out_is_taken_back(organization: Organization, tmp_path: Path) -> None:
    organization.create_dashboard([kpi("w_calls")], slug="usage")
    (tmp_path / "other.json").write_text(json.dumps(dashboard(organization) | {"name": "Renamed"}))
    assert apply(organization, tmp_path, "other.json").stdout == "usage: updated\n"
    assert dashboard(organization)["name"] == "Renamed"


def test_a_file_without_a_slug_is_found_by_its_name(organization: Organization, tmp_path: Path) -> None:
    (tmp_path / "weekly-report.json").write_text(json.dumps({"name": "Weekly", "widgets": []}))
    assert apply(organization, tmp_path, "weekly-report.json").stdout == "weekly-report: created\n"
    assert apply(organization, tmp_path, "weekly-report.json").stdout == "weekly-report: unchanged\n"


def test_nothing_is_sent_when_a_file_is_none(organization: Organization, tmp_path: Path) -> None:
    written(tmp_path)
    for name, content, reason in [
        ("broken.json", '{"name": ', "must be JSON"), ("list.json", "[]", "must be a JSON object"),
        ("slug.json", '{"name": "A", "slug": "A b"}', "slug must be"), ("same.json", '{"name": "A", "slug": "usage"}', "that of usage.json"),
    ]:
        (tmp_path / name).write_text(content)
        told = apply(organization, tmp_path, "usage.json", name)
        assert told.returncode != 0 and name in told.stderr and reason in told.stderr, told.stderr
    missing = apply(organization, tmp_path, "usage.json", "nowhere.json")
    assert missing.returncode != 0 and "nowhere.json: cannot be read" in missing.stderr
    assert organization.admin.get("/v1/dashboards").expect(200)["data"] == []


def test_refusals_name_file_and_field_and_change_nothing(organization: Organization, tmp_path: Path) -> None:
    written(tmp_path)
    apply(organization, tmp_path, "usage.json")
    before = dashboard(organization)
    written(tmp_path, widgets=[kpi("w_calls", metric="median")])
    told = apply(organization, tmp_path, "usage.json")
    assert told.returncode != 0 and "usage.json: The server answered 422" in told.stderr and "widgets[0].query.metric: " in told.stderr
    assert dashboard(organization) == before
    stranger = apply(organization, tmp_path, "usage.json", EMBAN_API_KEY="eb_adm_nobody")
    assert stranger.returncode != 0 and "401" in stranger.stderr and "nobody" not in stranger.stderr
    keyless = apply(organization, tmp_path, "usage.json", EMBAN_API_KEY="")
    assert keyless.returncode != 0 and "EMBAN_API_KEY" in keyless.stderr
