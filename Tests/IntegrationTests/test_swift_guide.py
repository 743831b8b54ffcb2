"""The Swift snippets of the guide are those that the Swift tests compile and run."""

from __future__ import annotations

import re
import textwrap

from embantest.process import ROOT


def test_every_snippet_of_the_guide_is_run_by_a_test() -> None:
    guide = (ROOT / "docs/guides/swift.md").read_text()
    tests = (ROOT / "Tests/EmbanClientTests/GuideTests.swift").read_text()
    snippets = re.findall(r"^```swift\n(.*?)^```$", guide, re.M | re.S)
    assert len(snippets) >= 7
    missing = [snippet for snippet in snippets if textwrap.indent(snippet, "    ") not in tests]
    assert not missing, missing[0]


def test_the_example_is_the_same_in_its_own_package() -> None:
    """What its own package names is what the root package builds it with."""
    own = (ROOT / "examples/swift/Package.swift").read_text()
    root = (ROOT / "Package.swift").read_text()
    for name, version in re.findall(r'url: "https://github.com/([\w./-]+)", exact: "([\d.]+)"', own):
        assert f'url: "https://github.com/{name}", exact: "{version}"' in root, name
    assert '.product(name: "EmbanClient", package: "emban")' in own
