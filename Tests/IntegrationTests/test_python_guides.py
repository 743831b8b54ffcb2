"""The guides for Python: what docs/guides/python.md shows is run, what the guides of frameworks show is a part of the example that the tests run."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from embantest.process import ROOT, clean_environment
from embantest.workspace import Organization, event, kpi

GUIDES = ROOT / "docs" / "guides"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def test_the_guide_to_the_package_runs(organization: Organization, tmp_path: Path) -> None:
    """All its snippets, one after the other, as one program."""
    snippets = [body for language, body in FENCE.findall((GUIDES / "python.md").read_text()) if language == "python"]
    assert len(snippets) >= 6
    program = tmp_path / "guide.py"
    program.write_text("import os\n\n" + "\n".join(snippets).replace("http://localhost:8080", organization.base))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False,
        env=clean_environment({"PYTHONPATH": str(ROOT / "sdk" / "python" / "src"), "EMBAN_API_KEY": organization.key}))
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("1 timestamp ") and lines[1:3] == ["gpt-4 150", "claude 90"] and lines[3].startswith("acme 2 "), lines
    assert any("/embed/dash_" in line for line in lines) and "somebody else saved first, revision 1" in lines, lines
    assert organization.count("acme") == 2


SNIPPET = re.compile(r"^<!-- (examples/[\w./-]+) -->\n```(?:\w+)\n(.*?)^```$", re.M | re.S)


def test_guides_show_what_the_examples_are() -> None:
    """Line by line, but for the indentation."""
    shown = 0
    for guide in sorted(GUIDES.glob("*.md")):
        for path, body in SNIPPET.findall(guide.read_text()):
            source = "\n".join(line.strip() for line in (ROOT / path).read_text().splitlines())
            assert "\n".join(line.strip() for line in body.rstrip().splitlines()) in source, f"{guide.name} shows what {path} is not:\n{body}"
            shown += 1
    assert shown >= 8


def test_the_examples_share_their_users() -> None:
    """Each has a copy, so that it can be taken as it is."""
    copies = {path.parent.name: path.read_text() for path in (ROOT / "examples").glob("*/users.py")}
    assert len(copies) >= 3 and len(set(copies.values())) == 1, copies.keys()


def test_a_pipeline_refreshes_what_was_kept(organization: Organization) -> None:
    """As a plain program; the files for orchestrators are read by Python at least."""
    organization.ingest(event() for _ in range(3))
    session = organization.session("acme", organization.create_dashboard([kpi("w_calls")], publish=True)["id"])

    def cached() -> bool:
        return session.result("w_calls")["meta"]["cached"]

    deadline = time.monotonic() + 60
    while not cached():
        assert time.monotonic() < deadline, "the answer was never kept"
    folder = ROOT / "examples" / "pipeline"
    environment = clean_environment({"EMBAN_URL": organization.base, "EMBAN_API_KEY": organization.key, "PYTHONDONTWRITEBYTECODE": "1"})
    done = subprocess.run([sys.executable, "refresh.py"], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "dashboards are made anew\n"), done.stderr
    assert not cached()
    refused = subprocess.run(
        [sys.executable, "refresh.py"], cwd=folder, env=environment | {"EMBAN_API_KEY": "eb_adm_wrong"}, capture_output=True, text=True, timeout=60,
        check=False)
    assert refused.returncode != 0 and "401" in refused.stderr
    for path in sorted(folder.glob("*.py")):
        compile(path.read_text(), str(path), "exec")
