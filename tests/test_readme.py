"""The Python blocks of the README and of the pages run as they stand, one after the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [path for path in sorted((ROOT / "docs").glob("*.md")) if "```python" in path.read_text()]

pytestmark = pytest.mark.xdist_group("lab_model")


def run_blocks(page: Path) -> tuple[int, dict[str, Any]]:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for block in blocks:
        exec(block, names)
    return len(blocks), names


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks, names = run_blocks(ROOT / "README.md")
    assert blocks == 4
    assert names["graph"].name == "chain_of_thought"
    assert names["capped"]["answer"] == "ae"
    assert (tmp_path / "data/letters/manifest.json").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")  # models are named, and never asked
    blocks, _ = run_blocks(page)
    assert blocks


def test_there_are_pages_with_code() -> None:
    assert {"answers", "strategies"} <= {page.stem for page in PAGES}
