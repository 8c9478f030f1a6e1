from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import langdistill

SOURCE = Path(langdistill.__file__)


def typed_names() -> dict[str, str]:
    """Name to module, as the type checker is told."""
    blocks = [node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If)]
    return {
        alias.name: line.module or ""
        for line in blocks[0].body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }


@pytest.mark.parametrize("name", list(langdistill._HOME))
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(langdistill, name).__doc__


def test_the_type_checker_is_told_the_same_names() -> None:
    assert typed_names() == {name: f"langdistill.{home}" for name, home in langdistill._HOME.items()}


def test_there_are_few_public_names() -> None:
    assert len(langdistill.__all__) <= 40
    assert set(langdistill.__all__) <= set(dir(langdistill))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        langdistill.nothing  # noqa: B018


def test_import_loads_neither_torch_nor_langgraph() -> None:
    told = "import sys, langdistill; print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'langgraph', 'pydantic', 'transformers'}))"
    assert (
        subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
