"""Who may import whom (docs/architecture.md), read off the syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "langdistill"
GROUND = {
    "records",
    "errors",
    "answers",
    "votes",
    "confidence",
    "prompts",
    "questions",
    "asking",
    "nodes",
    "fetching",
    "jobs",
    "sampling",
    "speaking",
    "budgets",
    "replies",
    "folders",
    "finding",
    "named",
    "versions",
    "usage",
    "reasoning_openai",
    "groups",
    "similarity",
    "perturbations",
    "consulting",
    "intervals",
}
THINKING = {"strategies", "search", "refining", "mining", "middleware"}
LEARNING = {"recording", "stores", "filters", "datasets", "students", "routing", "evaluation"}
ANYTHING = {"lab", "cli", "scale", "testing", "__main__", ""}
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "vllm", "ray", "duckdb", "matplotlib", "jinja2", "langchain",
         "langchain_openai", "inspect_ai", "psycopg", "safetensors", "tokenizers",
         "math_verify", "sympy", "presidio_analyzer", "spacy", "tldextract", "pyarrow"}  # fmt: skip


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def station(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def type_checking_only(tree: ast.Module) -> set[ast.AST]:
    return {
        inner
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for inner in ast.walk(block)
    }


def imports(path: Path, *, top_level_only: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    skipped = type_checking_only(tree)
    nodes = tree.body if top_level_only else [node for node in ast.walk(tree) if node not in skipped]
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {module_of(path): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_one_way(path: Path) -> None:
    here = station(module_of(path))
    there = {station(name) for name in imports(path, top_level_only=False) if name in MODULES} - {""}
    allowed = {
        **dict.fromkeys(GROUND, GROUND),
        **dict.fromkeys(THINKING, GROUND | {here}),
        "middleware": GROUND | {"middleware", "strategies"},
        **dict.fromkeys(LEARNING, GROUND | LEARNING),
        **dict.fromkeys(ANYTHING, GROUND | THINKING | LEARNING | ANYTHING),
    }
    assert here in allowed, f"{here!r} is no station of the house: say in this test which side it is on"
    assert there <= allowed[here]


@pytest.mark.parametrize("path", sorted((PACKAGE / "strategies").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_strategies_never_import_each_other(path: Path) -> None:
    assert not [name for name in imports(path, top_level_only=False) if name.startswith("langdistill.strategies")]


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    if path.name in {"muon.py", "middleware.py", "reasoning_openai.py", "inspect_provider.py", "formula_reader.py"}:
        return  # four subclass what they import and are themselves imported where they are used; one is a process of its own
    assert not {name.split(".")[0] for name in imports(path, top_level_only=True)} & HEAVY


def test_no_import_cycle() -> None:
    edges = {m: {name for name in imports(p, top_level_only=True) if name in MODULES} - {m} for m, p in MODULES.items()}
    done: set[str] = set()
    while ready := {module for module in edges if module not in done and edges[module] <= done}:
        done |= ready
    assert not set(edges) - done, "these modules import one another in a circle"


def test_no_vague_names() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "base", "manager", "core"}
    assert not [path for path in FILES if path.stem in vague]
