"""Keep the shortest right row of a problem, so that the student learns to think briefly (concise self-training: Munkhbat et al.,
2502.20122). Supervised: it reads gold answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from langdistill.answers import same
from langdistill.filters.gold import Gold, gold_of
from langdistill.filters.judging import Filter
from langdistill.groups import Group
from langdistill.records import Example, Verdict, text_of


def words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


@dataclass(frozen=True)
class ShortestCorrect(Filter):
    """See `shortest_correct`."""

    supervised: ClassVar[bool] = True

    gold: Gold
    length: Callable[[str], int]

    def __call__(self, group: Group) -> Verdict:
        """Take the shortest of the right ones."""
        if not group.rows:
            return self.says(None, "no-rows")
        gold = self.gold.answers.get(group.problem)
        if gold is None:
            return self.says(None, "no-gold")
        right = {at: self._length(row) for at, row in enumerate(group.rows) if same(row.answer, gold)}
        evidence = {"rows": len(group.rows), "right": len(right)}
        if not right:
            return self.says(False, "wrong", evidence=evidence)
        shortest = min(right, key=lambda at: (right[at], group.rows[at].content))
        others = [at for at in range(len(group.rows)) if at != shortest]
        dropped = {at: "longer" if at in right else "wrong" for at in others}
        return self.says(True, "shortest", right[shortest], evidence=evidence, dropped=dropped)

    def _length(self, row: Example) -> int:
        learnt = [one for one in row.target if one["role"] == "assistant"]
        return sum(self.length(f"{one.get('reasoning_content', '')} {text_of(one) or ''}") for one in learnt)


def shortest_correct(gold: Mapping[str, str] | str | Path, *, length: Callable[[str], int] = words) -> ShortestCorrect:
    """Of a problem's rows keep the shortest whose answer is the gold one; without a gold answer it cannot judge ("no-gold").

    Of several of one length, the digest of what they say decides.

    Args:
        gold: problem to answer, or the path of a file of JSON lines with the keys ``problem`` and ``answer``.
        length: of the text that the student must say, its thinking included: words, or tokens of a tokenizer of yours
            (``lambda text: len(tokenizer.encode(text))``).

    Raises:
        DatasetError: the file cannot be read.
    """
    return ShortestCorrect(gold_of(gold), length)
