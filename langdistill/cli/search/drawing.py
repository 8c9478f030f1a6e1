"""A search in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from langdistill.cli.options import shortened, visible
from langdistill.evaluation.search_report import COLUMNS, answer_row, checked, mean_of, short

if TYPE_CHECKING:
    from langdistill.evaluation.search_tree import Row, SearchTree

GUIDE = 4
"""Columns that a step of the tree is indented by."""
ROOM = 76
"""Columns that a thought has at least, however deep it is."""


def answers_of(tree: SearchTree) -> Table:
    """The answers, a row each."""
    table = Table("answer", box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for one in tree.answers:
        table.add_row(Text(visible(short(one.answer))), *answer_row(one), style="bold green" if one.chosen else "")
    return table


class Drawing:
    """The tree, a line for each thought."""

    def __init__(
        self, tree: SearchTree, *, depth: int | None = None, untried: bool = False, whole: bool = False
    ) -> None:
        """What to draw.

        Args:
            tree: the search.
            depth: only so many steps from the root.
            untried: also the thoughts that nobody went to, instead of their number.
            whole: texts in full length.
        """
        self._tree, self._depth, self._untried, self._whole = tree, depth, untried, whole

    @property
    def width(self) -> int:
        """Columns that it needs."""
        deepest = max(self._tree.depths, default=0)
        return ROOM + GUIDE * (deepest if self._depth is None else min(deepest, self._depth))

    def drawn(self) -> Tree:
        """The tree."""
        top = Tree("", guide_style="dim", hide_root=True)
        above, ended = [top], None
        for row in self._tree.rows():
            if ended is not None and row.depth > ended:
                continue
            ended = None if self._goes_on(row) else row.depth
            del above[row.depth + 1 :]
            above.append(above[row.depth].add(self._group(row) if row.thought is None else self._thought(row.thought)))
        return top

    def _goes_on(self, row: Row) -> bool:
        """Whether what hangs on a line is drawn."""
        return (
            self._untried
            if row.thought is None
            else self._depth is None or self._tree.depths[row.thought] < self._depth
        )

    def _group(self, row: Row) -> Text:
        return Text(f"{sum(self._tree.sizes[at] for at in row.untried)} not visited", style="dim")

    def _thought(self, index: int) -> Text:
        one, tree, on_path = self._tree.thoughts[index], self._tree, index in self._tree.path
        line = Text("* " if on_path else "", style="" if index in tree.tried else "dim")
        line.append(visible(one.action), style="bold green" if on_path else "bold cyan")
        if one.answer is not None:
            line.append(f" = {visible(short(one.answer))}", style="bold")
        if index == tree.chosen:
            line.append(" chosen", style="bold green")
        if told := checked(tree, index):
            line.append(f" ({told})", style="green" if index in tree.verified else "yellow")
        line.append(f" {self._figures(index)}", style="dim")
        if one.text:
            line.append(f" {self._text(one.text)}")
        if tree.depths[index] == self._depth and tree.sizes[index] > 1:
            line.append(f" ({tree.sizes[index] - 1} below)", style="dim")
        return line

    def _figures(self, index: int) -> str:
        one = self._tree.thoughts[index]
        reward = "" if one.reward is None else f", reward {one.reward:.2f}"
        return f"N {one.visits}, Q/N {mean_of(self._tree, index)}{reward}"

    def _text(self, text: str) -> str:
        return shortened(text if self._whole else " ".join(text.split()), whole=self._whole)
