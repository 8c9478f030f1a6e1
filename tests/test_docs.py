"""What is generated is what the code says now."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_pages_of_the_command_line_are_its_help(tmp_path: Path) -> None:
    out = tmp_path / "cli.md"
    words = ["-m", "typer", "langdistill.cli", "utils", "docs", "--name", "langdistill", "--title"]
    subprocess.run([sys.executable, *words, "The command line", "--output", str(out)], check=True, capture_output=True)
    assert out.read_text() == (ROOT / "docs/cli.md").read_text(), "run `make docs`"


def test_the_tables_of_the_pages_are_the_measured_ones() -> None:
    tables = runpy.run_path(str(ROOT / "benchmarks/tables.py"))
    pages = {path: path.read_text() for path in tables["PAGES"]}
    places = [place["name"] for text in pages.values() for place in re.finditer(tables["PLACE"], text)]
    assert sorted(places) == sorted(tables["TABLES"])
    for path, text in pages.items():
        assert tables["filled"](text) == text, f"{path.name}: run `python benchmarks/tables.py`"
