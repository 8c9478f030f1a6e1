"""Keep rows whose question belongs to the topic, as a model says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from langdistill.answers.yes_or_no import yes_no
from langdistill.asking import Ask, ask, chat_model
from langdistill.errors import DatasetError
from langdistill.filters.asking import AskingFilter, Replies
from langdistill.filters.judging import Judgement
from langdistill.filters.reading.rows import questions_of
from langdistill.groups import Group
from langdistill.prompts import check, fill
from langdistill.records import Verdict

BELONGS = """Decide whether a request belongs to a topic.

Topic: {topic}

Request:
{question}

Does the request belong to the topic? Answer with one word, yes or no."""


@dataclass(frozen=True)
class OnTopicBy(AskingFilter):
    """See `on_topic_by`."""

    model: Runnable[Any, Any]
    topic: str
    prompt: str
    temperature: float | None

    def asks(self, group: Group) -> list[Ask]:
        """Each different question of the problem's rows."""
        texts = [fill(self.prompt, topic=self.topic, question=question) for question in _questions(group)]
        return [ask(self.model, text, temperature=self.temperature) for text in texts]

    def hear(self, group: Group, replies: Replies) -> Verdict:
        """Read what was said of each row's question."""
        said = dict(zip(_questions(group), map(_read, replies), strict=True))
        unasked = Judgement(None, "no-question")
        return self.summed([said.get(questions_of(row), unasked) for row in group.rows])


def on_topic_by(
    model: str | BaseChatModel | Runnable[Any, Any],
    topic: str,
    *,
    prompt: str = BELONGS,
    temperature: float | None = 0.0,
    max_concurrency: int | None = None,
) -> OnTopicBy:
    """Keep rows of whose question the model says that it belongs to the topic.

    It cannot judge where the reply is neither yes nor no ("unreadable") or none came ("no-reply"). The questions of several
    problems are asked about together; rows of one problem that ask the same are asked about once.

    Args:
        model: a chat model or its string: "openai:gpt-4.1-mini".
        topic: in your words: "bookings, changes and refunds of flights".
        prompt: template with the places ``{topic}`` and ``{question}``.
        temperature: of the model; `None` leaves its own.
        max_concurrency: requests under way at a time.

    Raises:
        DatasetError: the topic is empty.
        PromptError: the prompt has other places.
    """
    if not topic.strip():
        raise DatasetError("on_topic_by() was given an empty topic; say in a few words what belongs to it.")
    check(prompt, "topic", "question")
    return OnTopicBy(chat_model(model), topic, prompt, temperature, max_concurrency=max_concurrency)


def _questions(group: Group) -> list[str]:
    """What the rows ask, in their order, the same once."""
    asked = dict.fromkeys(questions_of(row) for row in group.rows)
    return [one for one in asked if one.strip()]


def _read(replies: Any) -> Judgement:
    if not replies:
        return Judgement(None, "no-reply")
    text = str(replies[0].text)
    said = yes_no(text)
    if said is None:
        return Judgement(None, "unreadable", evidence={"text": text[:100]})
    return Judgement(True, "on-topic") if said == "yes" else Judgement(False, "off-topic")
