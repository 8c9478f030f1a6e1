"""The question and the answer that most samples arrive at, without the thinking."""

from __future__ import annotations

from langdistill.datasets.rows import everything, no_question, row_of
from langdistill.groups import Group, Rows
from langdistill.records import Message
from langdistill.votes import vote


def final_answer(group: Group) -> Rows:
    """System-2 distillation (Yu et al., 2407.06023): of x -> z, y the student learns x -> y. A tied lead gives no row."""
    if missing := no_question(group):
        return Rows(reason=missing)
    outcome = vote(group.answers)
    if outcome.answer is None:
        return Rows(reason="tied" if outcome.tied else "no-answer")
    target: Message = {"role": "assistant", "content": outcome.answer}
    return Rows((row_of(group, group.question, [target], everything(group), answer=outcome.answer),))
