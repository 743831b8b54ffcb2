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
    """As a plain program."""
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


#: What the orchestrators' packages offer to the examples, for a machine without them: their functions do nothing but call what they hold.
ORCHESTRATORS = {
    "airflow_dag.py": """
class DAG:
    def __init__(self, *_, **__): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass

made = []
offer("airflow", DAG=DAG)
offer("airflow.operators")
offer("airflow.operators.python", PythonOperator=lambda *, task_id, python_callable, retries: made.append(python_callable))
import airflow_dag
[step] = made
step()
""",
    "prefect_flow.py": """
offer("prefect", flow=lambda function: function, task=lambda **options: lambda function: function)
import prefect_flow
prefect_flow.usage_events()
""",
    "dagster_job.py": """
offer("dagster", Definitions=lambda jobs: jobs, RetryPolicy=dict, job=lambda function: function, op=lambda **options: lambda function: function)
import dagster_job
[job] = dagster_job.definitions
job()
""",
}


def test_orchestrators_run_the_last_step(organization: Organization, tmp_path: Path) -> None:
    organization.ingest(event() for _ in range(3))
    session = organization.session("acme", organization.create_dashboard([kpi("w_calls")], publish=True)["id"])
    folder = ROOT / "examples" / "pipeline"
    assert {path.name for path in folder.glob("*.py")} == {"refresh.py", *ORCHESTRATORS}
    for name, program in ORCHESTRATORS.items():
        deadline = time.monotonic() + 60
        while not session.result("w_calls")["meta"]["cached"]:
            assert time.monotonic() < deadline, "the answer was never kept"
        (tmp_path / name).write_text(f"""
import sys, types

def offer(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)

sys.path.insert(0, {str(folder)!r})
{program}""")
        done = subprocess.run(
            [sys.executable, str(tmp_path / name)], cwd=folder, capture_output=True, text=True, timeout=120, check=False,
            env=clean_environment({"EMBAN_URL": organization.base, "EMBAN_API_KEY": organization.key, "PYTHONDONTWRITEBYTECODE": "1"}))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert not session.result("w_calls")["meta"]["cached"], name
