"""The vote over free text: a model names the response that most others agree with (universal self-consistency: Chen et al.,
2311.17311; the voter of System 2 Attention's distillation in Yu et al., 2407.06023, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from langdistill.answers import selection
from langdistill.asking import Ask, ask, chat_model
from langdistill.errors import DatasetError
from langdistill.filters.asking import AskingFilter, Replies, shown
from langdistill.groups import Candidate, Group, candidates
from langdistill.prompts import SELECT, check, fill
from langdistill.records import Example, Message, Verdict


@dataclass(frozen=True)
class UniversalAgreement(AskingFilter):
    """See `universal_agreement`."""

    model: Runnable[Any, Any]
    min_n: int
    select: str
    temperature: float | None

    def asks(self, group: Group) -> list[Ask]:
        """The candidates, numbered; nothing where there is nothing to choose."""
        said = [_said(one) for one in _spoken(group)]
        if len(said) < self.min_n or len(set(said)) < 2:
            return []
        responses = "\n\n".join(f"Response {number}: {text}" for number, text in enumerate(said, 1))
        text = fill(self.select, question=shown(group.question), responses=responses)
        return [ask(self.model, text, temperature=self.temperature)]

    def hear(self, group: Group, replies: Replies) -> Verdict:
        """Take the response that the voter named."""
        spoken = _spoken(group)
        evidence = {"candidates": len(spoken)}
        if len(spoken) < max(1, self.min_n):
            return self.says(None, "incomplete", evidence=evidence)
        if not replies:
            return self._elected(group, spoken[0], "identical", evidence)
        if not replies[0]:
            return self.says(None, "no-reply", evidence=evidence)
        at = selection(replies[0][0].text, len(spoken))
        if at is None:
            return self.says(None, "unreadable", evidence=evidence)
        return self._elected(group, spoken[at], "elected", evidence | {"elected": at})

    def _elected(self, group: Group, one: Candidate, reason: str, evidence: dict[str, Any]) -> Verdict:
        """Give the rows the elected response; a row that is another run's reply goes instead."""
        dropped: dict[int, str] = {}
        targets: dict[int, list[Message]] = {}
        for at, row in enumerate(group.rows):
            target = _target(row, one)
            if target is None:
                dropped[at] = "no-answer"
            elif target != [_told(said) for said in row.target]:
                if row.call is None and one.trace.id in row.traces:
                    targets[at] = target
                else:
                    dropped[at] = "not-elected"
        if group.rows and len(dropped) == len(group.rows):
            return self.says(False, dropped[0], evidence=evidence)
        return self.says(True, reason, evidence=evidence, dropped=dropped, targets=targets)


def universal_agreement(
    model: str | BaseChatModel | Runnable[Any, Any],
    *,
    min_n: int = 2,
    select: str = SELECT,
    temperature: float | None = 0.0,
    max_concurrency: int | None = None,
) -> UniversalAgreement:
    """Let a model name the candidate that is most consistent with the others, and let the student learn that one.

    For answers that cannot be compared as strings: `harvest(store, extract=free_text).target(one_sample)`, then this filter. The
    row's target becomes the elected response where it is another one; of rows that are replies of single calls, those that were
    not elected go ("not-elected"). Candidates are numbered in the order of their content, so arrival decides nothing. Where all
    of them are the same nobody is asked. A voter's reply that names no response is no judgement ("unreadable").

    Args:
        model: the voter, a chat model or its string.
        min_n: with fewer candidates that said anything the filter cannot judge ("incomplete").
        select: template with the places ``{question}`` and ``{responses}``.
        temperature: of the voter; `None` leaves the model's own.
        max_concurrency: requests under way at a time.

    Raises:
        PromptError: the template has other places.
        DatasetError: `min_n` is below 1.
    """
    if min_n < 1:
        raise DatasetError(f"universal_agreement(min_n={min_n}) would elect nobody; give at least 1.")
    check(select, "question", "responses")
    return UniversalAgreement(chat_model(model), min_n, select, temperature, max_concurrency=max_concurrency)


def _spoken(group: Group) -> Sequence[Candidate]:
    """The candidates that said something."""
    return [one for trace in group.originals for one in candidates(trace, group.extract) if _said(one)]


def _said(one: Candidate) -> str:
    if one.reply is not None:
        return shown([one.reply.message])
    if one.call is not None:
        return ""
    return shown(one.trace.output[-1:]) if one.trace.output else one.trace.answer or ""


def _target(row: Example, one: Candidate) -> list[Message] | None:
    """What the row's student would say of this candidate: the answer alone where the row's target is one."""
    text = one.answer if row.is_answer_alone else _said(one)
    return None if text is None else [{"role": "assistant", "content": text}]


def _told(message: Message) -> Message:
    return {"role": message["role"], "content": shown([message])}
