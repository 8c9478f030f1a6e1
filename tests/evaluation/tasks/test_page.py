"""docs/evaluation_tasks.md tells of every task what its file says: the tables are those below."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from langdistill.evaluation.tasks.finding import task_names
from langdistill.evaluation.tasks.reading.making import AS_IS

PAGE = Path(__file__).parents[3] / "docs/evaluation_tasks.md"


def table(*rows: list[str]) -> str:
    head, *others = ("| " + " | ".join(cell.replace("\n", "⏎") for cell in row) + " |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def of_files() -> str:
    sources = {name: import_module(f"langdistill.evaluation.tasks.{name}").SOURCE for name in task_names()}
    told = ([f"`{name}`", one.file, one.rows, one.categories or "–", one.licence] for name, one in sources.items())
    return table(["task", "file or folder", "rows", "categories", "licence"], *told)


def of_answers() -> str:
    modules = {name: import_module(f"langdistill.evaluation.tasks.{name}") for name in task_names()}
    told = ([f"`{name}`", one.SOURCE.answer, one.SOURCE.shape, one.SOURCE.origin] for name, one in modules.items())
    return table(["task", "answer", "what the file holds", "source"], *told)


def of_prompts() -> str:
    prompts = {
        name: getattr(import_module(f"langdistill.evaluation.tasks.{name}"), "PROMPT", AS_IS) for name in task_names()
    }
    told = ([f"`{name}`", f"`{prompt}`"] for name, prompt in prompts.items() if prompt != AS_IS)
    return table(["task", "prompt"], *told)


def test_the_page_tells_what_the_tasks_are() -> None:
    text = PAGE.read_text()
    for one in (of_files(), of_answers(), of_prompts()):
        assert one in text, f"{PAGE.name} lacks this table:\n{one}"
