"""A recorded search as a page that loads nothing: its answers, and the tree, which one can fold; hovering a thought tells its figures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from langdistill.evaluation.rendering import rendered
from langdistill.evaluation.search_tree import Answered, Row, SearchTree
from langdistill.folders import file_beside
from langdistill.records import Search, Thought

COLUMNS = ("ways", "visited", "Q", "agree", "verified", "")
"""Of the answers."""
LONGEST = 80
"""Characters of an answer where it stands beside others."""

END = Row(0, None)
"""After the last line."""


def search_page(search: Search, *, name: str, question: str, agree: float = 0.5, which: str = "") -> str:
    """The page of one search.

    Args:
        search: as it was recorded.
        name: of the graph that searched.
        question: what it was asked.
        agree: share of the completions that must come to a thought's answer, for it to be verified.
        which: of the searches of its run, such as "2 of 3"; nothing where there is no other.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    tree = SearchTree(search, agree)
    lines = _lines(tree)
    return rendered(
        "search.html.jinja",
        name=name,
        question=question,
        which=which,
        answer=None if tree.chosen is None else tree.thoughts[tree.chosen].answer,
        check="" if tree.chosen is None else checked(tree, tree.chosen),
        sentence=sentence(tree),
        columns=COLUMNS,
        answers=[(short(one.answer), answer_row(one)) for one in tree.answers],
        lines=lines,
        deepest=max((line["depth"] for line in lines), default=0),
        on_path=len(tree.path),
        verified=len(tree.verified),
        agree=agree,
    )


def write_search_page(
    search: Search, out: Path, *, name: str, question: str, agree: float = 0.5, which: str = ""
) -> None:
    """Write the page as one file, which is there whole or not at all; arguments as of `search_page`.

    Raises:
        OSError: the file cannot be written.
        MissingExtra: jinja2 is not installed.
    """
    page = search_page(search, name=name, question=question, agree=agree, which=which)
    with file_beside(out) as beside:
        beside.write_text(page, encoding="utf-8", errors="backslashreplace")


def sentence(tree: SearchTree) -> str:
    """What a search came to, in figures."""
    answers, completed = tree.answers, [one for one in tree.thoughts if one.completed]
    ways, visited = sum(one.ways for one in answers), sum(one.visited for one in answers)
    rollouts = (
        f" of {_several(tree.thoughts[0].visits, 'rollout')}" if tree.thoughts and tree.thoughts[0].visits else ""
    )
    told = (
        f"{_several(len(tree.thoughts), 'thought')}{rollouts}; {ways:,} of them with an answer, {visited:,} of these visited; "
        f"{_several(len(answers), 'different answer')}"
    )
    if not completed:
        return f"{told}; no second model was asked."
    return f"{told}; a second model completed {_several(len(completed), 'way')}; verified: {len(tree.verified):,}."


def checked(tree: SearchTree, index: int) -> str:
    """What the second model made of a thought; nothing where it was not asked."""
    one = tree.thoughts[index]
    if not one.completed:
        return ""
    return f"{'verified' if index in tree.verified else 'not verified'}, {one.agreed} of {one.completed} agree"


def answer_row(one: Answered) -> list[str]:
    """The figures of an answer, in the order of `COLUMNS`."""
    agreed = f"{one.agreed} of {one.completed}" if one.completed else "–"
    return [
        str(one.ways),
        str(one.visited),
        f"{one.rewards:.2f}",
        agreed,
        str(one.verified),
        "chosen" if one.chosen else "",
    ]


def short(text: str) -> str:
    """A text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def mean_of(tree: SearchTree, index: int) -> str:
    """Q/N; a dash where nobody went there."""
    mean = tree.mean(index)
    return "–" if mean is None else f"{mean:.2f}"


def _lines(tree: SearchTree) -> list[dict[str, Any]]:
    """What the page shows, a line each. Lists are closed by count, so that no template calls itself however deep a tree is."""
    return [
        {
            "depth": row.depth,
            "opens": after.depth > row.depth,
            "closes": max(0, row.depth - after.depth),
            **(_rest(tree, row) if row.thought is None else _line(tree, row.thought)),
        }
        for row, after in pairwise([*tree.rows(), END])
    ]


def _rest(tree: SearchTree, row: Row) -> dict[str, Any]:
    return {"untried": sum(tree.sizes[at] for at in row.untried)}


def _line(tree: SearchTree, index: int) -> dict[str, Any]:
    one, on_path = tree.thoughts[index], index in tree.path
    marks = {"path": on_path, "sure": index in tree.to_verified, "cold": index not in tree.tried}
    return {
        "untried": 0,
        "index": index,
        "marks": " ".join(mark for mark, is_so in marks.items() if is_so),
        "open": on_path or tree.parents[index] is None,
        "action": one.action,
        "text": one.text,
        "answer": one.answer,
        "chosen": index == tree.chosen,
        "verified": index in tree.verified,
        "agreed": f"{one.agreed} of {one.completed}" if one.completed else "",
        "mean": mean_of(tree, index),
        "visits": one.visits,
        "figures": _figures(tree, index, one),
    }


def _figures(tree: SearchTree, index: int, one: Thought) -> list[tuple[str, str]]:
    """What hovering tells."""
    figures = [("N", str(one.visits)), ("Q", f"{one.value:.2f}"), ("Q/N", mean_of(tree, index))]
    if one.answer is not None:
        figures.insert(0, ("answer", short(one.answer)))
    if one.reward is not None:
        figures.append(("reward", f"{one.reward:.2f}"))
    if said := checked(tree, index):
        figures.append(("second model", said))
    return figures


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
