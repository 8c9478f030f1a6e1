"""The verdict of a judge of two responses, without its thinking (Yu et al., 2407.06023, the judge task)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from langdistill.answers import swapped as other_way_round
from langdistill.answers import verdict
from langdistill.datasets.rows import everything, in_order, no_question, row_of
from langdistill.datasets.taking import Taking
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows, answers_of
from langdistill.prompts import check, fill
from langdistill.records import Example, Message, Trace, digest
from langdistill.votes import Vote, vote

Disagreement = Literal["drop", "tie"]


@dataclass(frozen=True)
class Judged(Taking):
    """See `judgement`."""

    swapped: str
    disagreement: Disagreement
    written: str

    def __call__(self, group: Group) -> Rows:
        """A row for each order in which the pair was judged."""
        if missing := no_question(group):
            return Rows(reason=missing)
        swaps = group.variants.get(self.swapped, ())
        asked = {digest(trace.input): trace.input for trace in swaps if trace.input}
        if swaps and len(asked) != 1:
            return Rows(reason="mixed-questions" if asked else "no-question")
        judged = [_verdict(group, traces) for traces in (group.originals, swaps) if traces]
        if missing := next((_why_not(one) for one in judged if one.answer is None), None):
            return Rows(reason=missing)
        verdicts = {one.answer if at == 0 else other_way_round(one.answer) for at, one in enumerate(judged)}
        if len(verdicts) > 1 and self.disagreement == "drop":
            return Rows(reason="inconsistent")
        said = str(verdicts.pop()) if len(verdicts) == 1 else "tie"
        rows = [self._row(group, group.question, said)]
        rows += [self._row(group, question, str(other_way_round(said))) for question in asked.values()]
        return Rows(in_order(rows))

    def _row(self, group: Group, question: Sequence[Message], said: str) -> Example:
        target: Message = {"role": "assistant", "content": fill(self.written, verdict=said)}
        return row_of(group, question, [target], everything(group), answer=said)


def judgement(*, swapped: str = "swapped", disagreement: Disagreement = "drop", written: str = "{verdict}") -> Judged:
    """The question of a judge, which holds the pair, and its verdict "A", "B" or "tie": nothing of what led to it.

    Where the pair was judged the other way round, too, that question is a second row with the verdict mapped, so that the
    student sees as many pairs in one order as in the other. Several runs of one order vote. "no-verdict" where none can be read,
    "tied" where no verdict leads, "inconsistent" where the orders disagree.

    Branch-Solve-Merge gives its verdict itself; a judge that ends in "[[A]]" or "8 9" is read with
    ``harvest(..., extract=answers.verdict)``.

    Args:
        swapped: name of the perturbation under which the responses changed places.
        disagreement: what becomes of a pair whose verdict changes with the order: "drop" (2407.06023), or "tie", as
            Branch-Solve-Merge counts it (2310.15123).
        written: what the student says; template with the place ``{verdict}``: "[[{verdict}]]".

    Raises:
        DatasetError: `disagreement` is neither.
        PromptError: `written` has other places.
    """
    if disagreement not in get_args(Disagreement):
        raise DatasetError(f'judgement(disagreement={disagreement!r}) is unknown; give "drop" or "tie".')
    check(written, "verdict")
    return Judged(swapped, disagreement, written)


def _verdict(group: Group, traces: Sequence[Trace]) -> Vote:
    """The verdict that most runs come to."""
    return vote(None if one is None else verdict(one) for one in answers_of(traces, group.extract))


def _why_not(judged: Vote) -> str:
    return "tied" if judged.tied else "no-verdict"
