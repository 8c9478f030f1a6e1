"""The answer of the first sample that has one: what an unfiltered data set consists of."""

from __future__ import annotations

from langdistill.datasets.rows import everything, no_question, row_of
from langdistill.groups import Group, Rows
from langdistill.records import Message


def one_sample(group: Group) -> Rows:
    """The question and one answer, without a vote."""
    if missing := no_question(group):
        return Rows(reason=missing)
    answer = next((answer for answer in group.answers if answer is not None), None)
    if answer is None:
        return Rows(reason="no-answer")
    target: Message = {"role": "assistant", "content": answer}
    return Rows((row_of(group, group.question, [target], everything(group), answer=answer),))
