"""Keep rows whose question belongs to the topic, as a model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import Runnable

from langdistill.answers.yes_or_no import yes_no
from langdistill.asking import chat_model
from langdistill.errors import DatasetError
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.rows import questions_of
from langdistill.groups import Group
from langdistill.prompts import check, fill
from langdistill.records import Example, Verdict

BELONGS = """Decide whether a request belongs to a topic.

Topic: {topic}

Request:
{question}

Does the request belong to the topic? Answer with one word, yes or no."""


@dataclass(frozen=True)
class OnTopicBy(RowFilter):
    """See `on_topic_by`."""

    model: str | Runnable[Any, Any]
    topic: str
    prompt: str

    def judge(self, row: Example, group: Group) -> Judgement:
        """Ask about one row."""
        return self._judged([row])[0]

    def batch(self, groups: Sequence[Group]) -> list[Verdict]:
        """The verdicts; the model is asked about all rows at once."""
        judged = iter(self._judged([row for group in groups for row in group.rows]))
        return [self.summed([next(judged) for _ in group.rows]) for group in groups]

    def _judged(self, rows: Sequence[Example]) -> list[Judgement]:
        questions = [questions_of(row) for row in rows]
        prompts = [fill(self.prompt, topic=self.topic, question=one) for one in questions if one.strip()]
        replies = iter(chat_model(self.model).batch(list(prompts), return_exceptions=True) if prompts else [])
        return [_read(next(replies)) if one.strip() else Judgement(None, "no-question") for one in questions]


def on_topic_by(model: str | Runnable[Any, Any], topic: str, *, prompt: str = BELONGS) -> OnTopicBy:
    """Keep rows of whose question the model says that it belongs to the topic.

    It cannot judge where the reply is neither yes nor no ("unreadable") or the model failed ("model-failed"). The rows of several
    problems are asked about together.

    Args:
        model: a chat model, or the string of one: "openai:gpt-4.1-mini".
        topic: in your words: "bookings, changes and refunds of flights".
        prompt: with the places ``{topic}`` and ``{question}``.

    Raises:
        DatasetError: the topic is empty.
        PromptError: the prompt has other places.
    """
    if not topic.strip():
        raise DatasetError("on_topic_by() was given an empty topic; say in a few words what belongs to it.")
    check(prompt, "topic", "question")
    return OnTopicBy(model, topic, prompt)


def _read(reply: Any) -> Judgement:
    if isinstance(reply, Exception):
        return Judgement(None, "model-failed", evidence={"error": type(reply).__name__})
    said = yes_no(str(reply.text))
    if said is None:
        return Judgement(None, "unreadable", evidence={"text": str(reply.text)[:100]})
    return Judgement(True, "on-topic") if said == "yes" else Judgement(False, "off-topic")
