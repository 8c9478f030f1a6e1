"""Keep what a model judges to be good: a pair in both orders, or an answer by its grade.

Sources: the pair and the swap, Zheng et al., 2306.05685, section 3; the evidence before the grade, and the mean over several
judgements, Wang et al., 2305.17926 (multiple evidence calibration). Prompts in own wording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from langdistill.answers import grade as grade_of
from langdistill.answers import swapped, verdict
from langdistill.asking import Ask, ask, chat_model
from langdistill.errors import DatasetError
from langdistill.filters.asking import AskingFilter, Replies, shown
from langdistill.filters.judging import Judgement
from langdistill.groups import Group
from langdistill.prompts import check, fill
from langdistill.records import Example, Verdict

GRADE = (
    "Grade an answer to a question.\n\nQuestion:\n{question}\n\nAnswer:\n{answer}\n\n"
    "First write down the evidence: what in the answer is right, and what is wrong or missing. Only then grade it, and end with one "
    'line that reads "Score: N", N being a whole number from 1 (useless) to 10 (nothing could be better).'
)
"""Places: the question, and its answer."""

PAIR = (
    "Compare two answers to a question.\n\nQuestion:\n{question}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n"
    "First write down the evidence for and against each; which of them comes first, and which is longer, does not count. Only then "
    'decide, and end with one line that reads "Verdict: A", "Verdict: B" or "Verdict: tie".'
)
"""Places: the question, and two answers to it."""


@dataclass(frozen=True)
class Judged(AskingFilter):
    """See `judged`."""

    model: Runnable[Any, Any]
    min_score: float
    samples: int
    temperature: float | None
    grade: str
    pair: str

    def asks(self, group: Group) -> list[Ask]:
        """For each row the prompts of its judgement."""
        return [
            ask(self.model, prompt, n=1 if row.rejected else self.samples, temperature=self.temperature)
            for row in group.rows
            for prompt in self._prompts(row)
        ]

    def hear(self, group: Group, replies: Replies) -> Verdict:
        """Read the judgement of each row."""
        left = iter(replies)
        return self.summed([self._judgement(row, [next(left) for _ in self._prompts(row)]) for row in group.rows])

    def _prompts(self, row: Example) -> list[str]:
        question, answer = shown(row.messages), shown(row.target)
        if row.rejected is None:
            return [fill(self.grade, question=question, answer=answer)]
        other = shown(row.rejected)
        orders = ((answer, other), (other, answer))
        return [fill(self.pair, question=question, first=first, second=second) for first, second in orders]

    def _judgement(self, row: Example, replies: Replies) -> Judgement:
        if not all(replies):
            return Judgement(None, "no-reply")
        if row.rejected is None:
            return _graded([one.text for one in replies[0]], self.min_score)
        return _compared(*(one[0].text for one in replies))


def judged(
    model: str | BaseChatModel | Runnable[Any, Any],
    *,
    min_score: float = 7,
    samples: int = 1,
    temperature: float | None = 0.0,
    grade: str = GRADE,
    pair: str = PAIR,
    max_concurrency: int | None = None,
) -> Judged:
    """Keep rows that a judge finds good enough, or better than what they reject.

    A row with a rejected answer is judged as a pair, in both orders: the judge must prefer the target in either ("preferred"). It
    goes where the judge prefers the other one ("not-preferred"), neither ("no-preference"), or what stands in one place
    ("order-dependent"). Any other row is graded, from 1 to 10, after the judge has written down its evidence; it goes below
    `min_score` ("low-grade"). A reply that cannot be read is no judgement ("unreadable").

    Args:
        model: the judge, a chat model or its string.
        min_score: the least grade; of several judgements, the least mean.
        samples: how many judgements of a grade; those that cannot be read are left out of the mean.
        temperature: of the judge; give more than 0 for several samples. `None` leaves the model's own.
        grade: template with the places ``{question}`` and ``{answer}``.
        pair: template with the places ``{question}``, ``{first}`` and ``{second}``.
        max_concurrency: requests under way at a time.

    Raises:
        PromptError: a template has other places.
        DatasetError: `min_score` is no grade.
        ModelError: `samples` is below 1.
    """
    if not 1 <= min_score <= 10:
        raise DatasetError(f"judged(min_score={min_score}) is no grade; give a number from 1 to 10.")
    check(grade, "question", "answer")
    check(pair, "question", "first", "second")
    judge = chat_model(model)
    ask(judge, "", n=samples)  # fails here and not in the first run
    return Judged(judge, min_score, samples, temperature, grade, pair, max_concurrency=max_concurrency)


def _graded(replies: Sequence[str], min_score: float) -> Judgement:
    read = [found for one in replies if (found := grade_of(one)) is not None]
    if not read:
        return Judgement(None, "unreadable")
    mean = fmean(read)
    good = mean >= min_score
    return Judgement(good, "good-grade" if good else "low-grade", mean, {"grades": read})


def _compared(first: str, second: str) -> Judgement:
    """From what the judge said with the target as A, and then with the target as B."""
    verdicts = verdict(first), swapped(verdict(second))
    evidence = {"verdicts": list(verdicts)}
    if None in verdicts:
        return Judgement(None, "unreadable", evidence=evidence)
    if verdicts[0] != verdicts[1]:
        return Judgement(False, "order-dependent", evidence=evidence)
    reason = {"A": "preferred", "B": "not-preferred"}.get(str(verdicts[0]), "no-preference")
    return Judgement(reason == "preferred", reason, evidence=evidence)
