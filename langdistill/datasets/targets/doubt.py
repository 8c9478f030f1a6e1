"""What an asker is to say of a first answer: the sub-questions of the problem, then whether the answer is to be refined.

Source: ART (Shridhar et al., 2311.07961, section 3.2). The decision comes from whether the answer is right and from nothing else,
and it stands after the sub-questions, so that the student asks before it decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from langdistill.datasets.attempts import Attempt, predictions
from langdistill.datasets.judging import ByJudge, Judge
from langdistill.datasets.rows import in_order, no_question, row_of
from langdistill.datasets.sub_questions import SubQuestions, sub_questions_of
from langdistill.groups import Group, Rows, question_text
from langdistill.prompts import DOUBT, REFINE_OR_NOT, check, fill
from langdistill.records import Example, Message, text_of


@dataclass(frozen=True)
class Doubted(ByJudge):
    """See `doubt`."""

    questions: SubQuestions | None
    template: str

    def class_of(self, row: Example) -> str | None:
        """Whether its answer is to be refined: "refine" or "keep"."""
        return "refine" if row.answer == "yes" else "keep"

    def __call__(self, group: Group) -> Rows:
        """A row for each first answer that was judged."""
        if missing := no_question(group):
            return Rows(reason=missing)
        questions = self.questions.of.get(group.problem) if self.questions else []
        if self.questions and not questions:
            return Rows(reason="no-sub-questions")
        judged = [(one, good) for one in predictions(group) if (good := self.judge(one, group)) is not None]
        rows = [self._row(group, one, good, questions or []) for one, good in judged]
        return Rows(in_order(rows)) if rows else Rows(reason="unjudged")

    def _row(self, group: Group, prediction: Attempt, good: bool, questions: Sequence[str]) -> Example:
        asked = fill(
            self.template, question=question_text(prediction.trace), reply=text_of(prediction.target[-1]) or ""
        )
        said: Message = {"role": "assistant", "content": "\n".join([*questions, REFINE_OR_NOT[not good]])}
        decision = "no" if good else "yes"
        return row_of(group, _asked(group.question, asked), [said], [prediction.trace], answer=decision)


def doubt(
    judge: Judge,
    questions: Mapping[str, Sequence[str]] | str | Path | None = None,
    *,
    template: str = DOUBT,
) -> Doubted:
    """The question with a first answer, and what an asker says of it: sub-questions, then "Refine: yes" or "Refine: no".

    Of a run that refined its answer the one before counts, whatever became of it. Of k sampled answers each gives a row; the
    manifest tells how many problems gave how many rows, and how many rows are of each decision. "no-sub-questions" where some
    were given and the problem has none, "unjudged" where no answer could be judged.

    Args:
        judge: whether an answer is right: `by_gold(...)`, `liked` (feedback: no gold answer is read) or `with_the_vote` of
            `datasets/judging.py`, or a function of your own.
        questions: problem to sub-questions, or a file of JSON lines with ``problem`` and ``questions``; without any, the decision
            is all that is said.
        template: with the places ``{question}`` and ``{reply}``; what the asker `trained` must then be given, too.

    Raises:
        DatasetError: the file of sub-questions cannot be read.
        PromptError: the template has other places.
    """
    check(template, "question", "reply")
    return Doubted(judge, None if questions is None else sub_questions_of(questions), template)


def _asked(question: Sequence[Message], text: str) -> list[Message]:
    """The conversation with another text in place of its question."""
    last = max(at for at, one in enumerate(question) if one["role"] == "user")
    return [{"role": "user", "content": text} if at == last else one for at, one in enumerate(question)]
