"""Keep rows with the right answer: rejection sampling as in STaR (Zelikman et al., 2203.14465). Supervised: it reads gold answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from langdistill.answers import same
from langdistill.filters.gold import Gold, gold_of
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Example


@dataclass(frozen=True)
class Correct(RowFilter):
    """See `correct`."""

    supervised: ClassVar[bool] = True

    gold: Gold

    def judge(self, row: Example, group: Group) -> Judgement:
        """Compare the row's answer with the gold one."""
        gold = self.gold.answers.get(group.problem)
        if gold is None:
            return Judgement(None, "no-gold")
        if row.answer is None:
            return Judgement(None, "no-answer")
        right = same(row.answer, gold)
        return Judgement(right, "right" if right else "wrong")


def correct(gold: Mapping[str, str] | str | Path) -> Correct:
    """Keep rows whose answer is the gold one; what has no gold answer ("no-gold") or none of its own it cannot judge.

    The manifest and the card of a data set made with it say "supervised"; of the gold answers they tell the digest alone.

    Args:
        gold: problem to answer, or the path of a file of JSON lines with the keys ``problem`` and ``answer``.

    Raises:
        DatasetError: the file cannot be read.
    """
    return Correct(gold_of(gold))
