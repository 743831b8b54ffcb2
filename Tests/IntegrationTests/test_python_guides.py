"""The guides for Python: what docs/guides/python.md shows is run, what the guides of frameworks show is a part of the example that the tests run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from embantest.process import ROOT, clean_environment
from embantest.workspace import Organization

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
