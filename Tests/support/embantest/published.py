"""Programs that speak the guest-token API: ours, and those of the published guide, which is read where it lies beside the repository."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embantest.process import ROOT

OURS = ROOT / "Tests" / "support" / "guest_token_api"
#: What each program begins with in the guide.
BEGINNINGS = {
    "fastapi_main.py": "# main.py", "django_views.py": "# views.py", "flask_app.py": "# app.py", "dashboard.html": "<!-- templates/dashboard.html -->",
    "streamlit_analytics.py": "# pages/Analytics.py", "dash_page.py": "# pages/dashboard.py", "airflow_dag.py": "# airflow_dag.py",
}


@dataclass(frozen=True)
class Source:
    """Where programs come from."""

    name: str
    #: The text of one of `BEGINNINGS`.
    text_of: Callable[[str], str]


def our_text(name: str) -> str:
    return (OURS / name).read_text()


def sources() -> list[Source]:
    """Ours always; the guide's where it is: in EMBAN_SHARED_REFERENCE, else in `../shared/reference`."""
    folder = Path(os.environ.get("EMBAN_SHARED_REFERENCE") or ROOT.parent / "shared" / "reference")
    guides = sorted(path for path in folder.glob("*.txt") if BEGINNINGS["dashboard.html"] in path.read_text())
    return [Source("ours", our_text), *(Source(path.stem, Guide(path)) for path in guides)]


class Guide:
    """A text with programs between its paragraphs, which nothing marks but their first lines."""

    def __init__(self, path: Path) -> None:
        self._lines = path.read_text().splitlines()

    def __call__(self, name: str) -> str:
        rest = self._lines[self._lines.index(BEGINNINGS[name]):]
        if name.endswith(".html"):
            return "\n".join(rest[:rest.index("</html>") + 1]) + "\n"
        # A program ends where the next line of prose would be a fault in it.
        ends = [end for end, line in enumerate(rest) if end and line and not line[0].isspace()]
        whole = max((end for end in ends if is_python(rest[:end])), default=len(rest))
        return "\n".join(rest[:whole]).rstrip() + "\n"


def is_python(lines: list[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True
