"""Keep what holds no question of an evaluation set (Brown et al., 2005.14165, appendix C)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langdistill.datasets.texts import Texts, TextSource, texts_of
from langdistill.errors import DatasetError
from langdistill.filters.comparing import texts_in
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Example
from langdistill.similarity.overlap import OverlapIndex
from langdistill.similarity.rouge_l import Tokens, any_script


@dataclass(frozen=True)
class Decontaminated(RowFilter):
    """See `decontaminated`."""

    evaluation_sets: tuple[tuple[str, Texts], ...]
    n: int
    share: float
    common: int
    tokens: Tokens

    @property
    def params(self) -> dict[str, Any]:
        """The evaluation sets by their sizes and digests."""
        return {**super().params, "evaluation_sets": {name: texts.told for name, texts in self.evaluation_sets}}

    def judge(self, row: Example, group: Group) -> Judgement:
        """Look for the questions in each text of the row."""
        found = [held for text in texts_in(row) if (held := self._index.in_text(text))]
        if not found:
            return Judgement(True, "clean", 0.0)
        most = max(found, key=lambda one: one.share)
        if most.share <= self.share:
            return Judgement(True, "clean", most.share)
        name, item = self._items[most.at]
        return Judgement(False, "contaminated", most.share, {"set": name, "item": item, "share": most.share})

    @cached_property
    def _items(self) -> list[tuple[str, int]]:
        return [(name, item) for name, texts in self.evaluation_sets for item in range(len(texts.items))]

    @cached_property
    def _index(self) -> OverlapIndex:
        texts = [text for _, found in self.evaluation_sets for text in found.items]
        return OverlapIndex(texts, n=self.n, common=self.common, tokens=self.tokens)

    def __getstate__(self) -> dict[str, Any]:
        """Without the index: another process makes its own."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_index", "_items")}


def decontaminated(
    evaluation_sets: Mapping[str, TextSource],
    *,
    n: int = 13,
    share: float = 0.0,
    common: int = 10,
    tokens: Tokens = any_script,
) -> Decontaminated:
    """Keep a row in which no text shares a run of `n` words with a question of an evaluation set ("contaminated" otherwise).

    Case, punctuation and white space do not count. Every text of the row is looked at: prompt, target, rejected answer,
    thinking, steps and the arguments of tool calls. A question of fewer than `n` words is looked for whole, from 8 words on inside longer texts, below that as the
    whole of one. The evidence names the set and the item, from 0, never its text or answer; the score is the share of the
    question's words that are in shared runs.

    What is usual: runs of 13 words, any one of them (GPT-3, appendix C, with 8 to 13 by data set; the LM Evaluation Harness);
    for fine-tuning data also 8 (Open R1's script), or a threshold on the share (Open Instruct's). Shorter runs find more rewordings
    and more texts that only sound alike. A paraphrase or a translation is not found by any of them.

    Args:
        evaluation_sets: name to the questions: texts, a file, or the folder of a data set
            (`langdistill.datasets.texts.texts_of`). Read at once; a manifest tells their sizes and digests.
        n: words of a run, 2 or more.
        share: keep unless more than this share of a question's words is in shared runs; 0 drops for a single run.
        common: a run that more than so many different questions hold is a phrase of that test ("what is the probability
            that ...") and does not count; a question with no other run is looked for whole.
        tokens: cuts a text into words.

    Raises:
        DatasetError: there is no question, a source cannot be read, or a setting is out of its range.
    """
    if n < 2 or common < 1 or not 0 <= share < 1:
        raise DatasetError(
            f"decontaminated(n={n}, share={share}, common={common}): n is 2 or more, share from 0 up to, not including, 1, "
            "and common 1 or more."
        )
    read = tuple((name, texts_of(source)) for name, source in sorted(evaluation_sets.items()))
    if empty := [name for name, texts in read if not texts.items] or (not read and ["evaluation_sets"]):
        raise DatasetError(f"There is no question in {', '.join(empty)}; without any, every row would pass.")
    return Decontaminated(read, n, share, common, tokens)
