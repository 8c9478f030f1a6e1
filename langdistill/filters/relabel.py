"""Give a row another answer where a committee of models agrees on one, instead of dropping it; the vote is that of Wang et al.,
2203.11171.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, convert_to_messages
from langchain_core.runnables import Runnable

from langdistill.answers import normalise, same
from langdistill.answers.thinking import thought_and_said
from langdistill.asking import Ask, ask, chat_model
from langdistill.errors import DatasetError
from langdistill.filters.asking import AskingFilter, Replies
from langdistill.filters.judging import Judgement
from langdistill.groups import Group
from langdistill.prompts import STEP_BY_STEP, check, fill
from langdistill.questions import asked, question_of, turn
from langdistill.records import Example, Message, Verdict
from langdistill.votes import vote


@dataclass(frozen=True)
class Relabel(AskingFilter):
    """See `relabel`."""

    committee: tuple[Runnable[Any, Any], ...]
    samples: int
    min_votes: int
    temperature: float | None
    prompt: str

    def asks(self, group: Group) -> list[Ask]:
        """The prompt of each row that has one answer, to each member."""
        return [
            ask(member, self._prompt(row), n=self.samples, temperature=self.temperature)
            for row in group.rows
            if _votable(row)
            for member in self.committee
        ]

    def hear(self, group: Group, replies: Replies) -> Verdict:
        """Let the replies to each row's prompt vote."""
        left = iter(replies)
        judged: list[Judgement] = []
        targets: dict[int, list[Message]] = {}
        for at, row in enumerate(group.rows):
            if not _votable(row):
                judged.append(Judgement(None, "no-question" if _has_answer(row) else "no-answer"))
                continue
            said = [one for some in islice(left, len(self.committee)) for one in some]
            judged.append(self._judgement(row, said, group))
            if judged[-1].reason == "relabelled":
                targets[at] = [_target(row, judged[-1].evidence["new"], said, group)]
        return self.summed(judged).model_copy(update={"targets": targets})

    def _prompt(self, row: Example) -> list[AnyMessage]:
        state = {"messages": _conversation(row) or []}
        return turn(state, fill(self.prompt, question=question_of(state)))

    def _judgement(self, row: Example, said: Sequence[AIMessage], group: Group) -> Judgement:
        outcome = vote([_answer(one, group) for one in said])
        evidence = {"old": row.answer, "new": outcome.answer, "votes": outcome.votes, "candidates": outcome.candidates}
        if outcome.answer is None or outcome.votes[normalise(outcome.answer)] < self.min_votes:
            return Judgement(None, "no-consensus", outcome.share, evidence)
        reason = "confirmed" if same(outcome.answer, row.answer) else "relabelled"
        return Judgement(True, reason, outcome.share, evidence)


def relabel(
    committee: str | BaseChatModel | Runnable[Any, Any] | Sequence[str | BaseChatModel | Runnable[Any, Any]],
    *,
    samples: int = 4,
    min_votes: int | None = None,
    temperature: float | None = 0.7,
    prompt: str = STEP_BY_STEP,
    max_concurrency: int | None = None,
) -> Relabel:
    """Let a committee answer the row's prompt anew, and take its answer where enough of it agree on one.

    Every reply of every member is a vote. A row keeps its target where that is the answer they agree on ("confirmed"); where they
    agree on another one it becomes that ("relabelled"), and a target that holds more than its answer becomes the first reply,
    in the order of members and samples, that ends in it. Where they do not agree the filter cannot judge ("no-consensus"), nor can
    it where the row has no answer or more than one message to learn ("no-answer"), nor where its prompt is no conversation that a
    model can be sent, for a call in it has arguments that are no JSON, say ("no-question"). Thinking in a reply is no part of
    its answer.

    Args:
        committee: a chat model or its string, or several.
        samples: replies of each member.
        min_votes: least votes for an answer; `None`: more than half of all that are asked for. A tied lead never has enough.
        temperature: of each reply; `None` leaves the models' own.
        prompt: template with the place ``{question}``, put in the place of the user's last message.
        max_concurrency: requests under way at a time.

    Raises:
        DatasetError: the committee is empty, or `min_votes` is more than there can be or below 1.
        ModelError: `samples` is below 1.
        PromptError: the template has other places.
    """
    members = (committee,) if isinstance(committee, (str, Runnable)) else tuple(committee)
    models = tuple(chat_model(one) for one in members)
    for one in models:
        ask(one, "", n=samples)  # fails here and not in the first run
    asked_for = len(models) * samples
    votes = asked_for // 2 + 1 if min_votes is None else min_votes
    if not 1 <= votes <= asked_for:
        raise DatasetError(
            f"relabel() asks {len(models)} models for {samples} replies each and wants min_votes={votes} of them to agree; "
            f"give at least one model, and min_votes from 1 to {asked_for}."
        )
    check(prompt, "question")
    return Relabel(models, samples, votes, temperature, prompt, max_concurrency=max_concurrency)


def _votable(row: Example) -> bool:
    """Whether the row has one message to learn, that ends in an answer, and a question before it."""
    return _has_answer(row) and asked(_conversation(row) or []) is not None


def _has_answer(row: Example) -> bool:
    return row.answer is not None and len(row.target) == 1


def _conversation(row: Example) -> list[BaseMessage] | None:
    """The prompt as LangChain's messages; `None` where it is none that they can hold."""
    try:
        return convert_to_messages([dict(one) for one in row.messages])
    except Exception:  # an imported call may lack anything, and each lack raises something else
        return None


def _answer(reply: AIMessage, group: Group) -> str | None:
    return group.extract(thought_and_said(reply.text)[1])


def _target(row: Example, answer: str, said: Sequence[AIMessage], group: Group) -> Message:
    """The answer alone, or where the old target was more than that, a whole reply that ends in it."""
    if row.is_answer_alone:
        return {"role": "assistant", "content": answer}
    return {"role": "assistant", "content": next(one.text for one in said if same(_answer(one, group), answer))}
