"""The fenced blocks of the documentation, one by one, and how those that are commands are run."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embantest.process import ROOT, binary, clean_environment

#: What a reader follows: the first page, everything in docs/, and what a package or an example says of itself.
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for pattern in (
    "docs/**/*.md", "sdk/*/README.md", "web/packages/*/README.md", "examples/*/README.md") for path in ROOT.glob(pattern))]
BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n+)?^(?P<fence>```+|~~~+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)


@dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    language: str
    body: str
    #: What a comment before the block says it is: a file of an example, or a request.
    mark: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language or 'no language'})"

    @property
    def commands(self) -> list[Command]:
        """Of a block `console`: what stands behind `$`, each with the lines that it prints."""
        found: list[Command] = []
        goes_on = False
        for line in self.body.splitlines():
            if goes_on:
                found[-1].text += "\n" + line
            elif line.startswith("$ "):
                found.append(Command(line[2:], []))
            else:
                found[-1].shown.append(line)
                continue
            goes_on = line.endswith("\\")
        return found


@dataclass
class Command:
    text: str
    shown: list[str]


@cache
def snippets(page: str) -> tuple[Snippet, ...]:
    text = (ROOT / page).read_text()
    return tuple(
        Snippet(page, text[:found.start("fence")].count("\n") + 1, found["language"], found["body"], found["mark"] or "")
        for found in BLOCK.finditer(text))


def of(page: str, language: str, count: int) -> list[Snippet]:
    """The blocks of a page in one language. Their number is known to the test that runs them: one more is one that it has not seen."""
    found = [one for one in snippets(page) if one.language == language]
    assert len(found) == count, f"{page} has {len(found)} blocks of {language}, of which {count} are run"
    return found


def printed(shown: str) -> re.Pattern[str]:
    """Numbers and `…` stand for any; the rest must be there, from the beginning of a line to the end of one."""
    parts = re.split(r"(…|\d+(?:\.\d+)?)", shown.strip("\n"))
    wild = [".*" if part == "…" else r"\d+(?:\.\d+)?" if number % 2 else re.escape(part) for number, part in enumerate(parts)]
    return re.compile("^" + "".join(wild) + "$", re.S | re.M)


def shell(script: str, folder: Path, values: Mapping[str, str], environment: Mapping[str, str] | None = None) -> str:
    """Runs what a reader would type, with `emban` in the path, and with `values` in the place of what is the reader's own. Gives what a terminal shows."""
    for name, value in values.items():
        script = script.replace(name, value)
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    if not (programs / "emban").exists():
        (programs / "emban").symlink_to(binary())
    # On a terminal curl shows no progress of answers that it prints.
    (folder / ".curlrc").write_text("silent\nshow-error\n")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(".build/release/emban", "emban")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
        timeout=400, env=clean_environment({
            "PATH": f"{programs}:{os.environ['PATH']}", "XDG_STATE_HOME": str(folder / "state"), "CURL_HOME": str(folder), **(environment or {})}))
    assert done.returncode == 0, f"{script}\nended with {done.returncode}\n{done.stdout}"
    return done.stdout
