"""The guides to Node.js and React: every piece of code in them runs, or is rendered and type-checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from embantest.node import Project
from embantest.process import ROOT
from embantest.workspace import Organization

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(name: str, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall((ROOT / name).read_text()) if kind == language]


def test_the_guide_to_node_runs_from_its_first_to_its_last_line(organization: Organization, tmp_path: Path) -> None:
    parts = blocks("docs/guides/node.md", "js")
    assert len(parts) >= 8
    program = "\n".join(parts).replace("http://localhost:8080", organization.base)
    output = Project(tmp_path).run("guide.mjs", program, {"EMBAN_API_KEY": organization.key})
    lines = output.splitlines()
    assert re.fullmatch(r"1 1 timestamp \S.*", lines[0]), lines
    assert lines[1:4] == ["{ queued: 0, accepted: 1, rejected: 0, lost: 0 }", "gpt-4 150", "claude 90"], lines
    assert "/embed/dash_" in lines[4] and "ses_" in lines[4]
    assert lines[5] == "1 null" and lines[6] == "[ 'api.call' ]" and lines[7].startswith("404 dashboard_not_found"), lines
    assert organization.key not in output
    assert organization.count("acme") == 2


@pytest.mark.parametrize("name", ["web/packages/sdk/README.md"])
def test_the_package_says_how_it_is_used(organization: Organization, tmp_path: Path, name: str) -> None:
    (program,) = blocks(name, "js")
    Project(tmp_path).run("readme.mjs", program.replace("https://analytics.example.com", organization.base), {"EMBAN_API_KEY": organization.key})
    assert organization.count("acme") == 1


def test_the_guide_to_react_is_rendered_and_its_types_are_sound(tmp_path: Path) -> None:
    project = Project(tmp_path, ("react", "react-dom", "scheduler", "@types/react", "@types/react-dom"))
    parts = blocks("docs/guides/react.md", "tsx") + blocks("web/packages/react/README.md", "tsx")
    assert len(parts) == 5
    names = []
    for number, body in enumerate(parts):
        names.append(f"part{number}.tsx")
        project.write(names[-1], body)
    project.check_types(*names, options={"preserveSymlinks": True})
    imports = "".join(f"import * as part{number} from './part{number}';\n" for number in range(len(parts)))
    project.write("page.tsx", imports + """
      import { renderToString } from 'react-dom/server';
      for (const part of [""" + ", ".join(f"part{number}" for number in range(len(parts))) + """]) {
        for (const Component of Object.values(part)) console.log(renderToString(<Component embedUrl="https://analytics.example.com/embed/d#token=t" token="t" />));
      }
    """)
    project.bundle("page.tsx", "page.mjs", server=True)
    process = project.start("page.mjs", arguments=("--preserve-symlinks", "--preserve-symlinks-main"))
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0 and errors == "", errors
    rendered = output.splitlines()
    assert len(rendered) == 5 and all(line.startswith("<") for line in rendered)
    assert "min-height:600px" in rendered[0] and "This week" in rendered[1] and "All models" in rendered[3]
