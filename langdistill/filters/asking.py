"""What a filter is that asks a model: its questions about a problem, and what it says after the replies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import Ask, ask
from langdistill.consulting import consult
from langdistill.errors import LangdistillError
from langdistill.filters.judging import Filter
from langdistill.filters.reading.tool_calls import asked
from langdistill.groups import Group
from langdistill.records import Message, Verdict, text_of

Replies = Sequence[list[AIMessage]]
"""To each question, in order; an empty list where the request failed."""


@dataclass(frozen=True)
class AskingFilter(Filter):
    """Asks about all problems of a batch together. What a budget keeps from being asked ends the harvest (`BudgetSpent`)."""

    max_concurrency: int | None = field(default=None, kw_only=True)
    """Requests under way at a time; decides nothing, and is in no manifest."""

    @property
    def params(self) -> dict[str, Any]:
        """Its settings; models by the names that their servers know them by."""
        models = {one.name: _named(getattr(self, one.name)) for one in fields(self)}
        told = super().params | {name: named for name, named in models.items() if named}
        return {name: value for name, value in told.items() if name != "max_concurrency"}

    @abstractmethod
    def asks(self, group: Group) -> list[Ask]:
        """What it asks about a problem; may be nothing."""

    @abstractmethod
    def hear(self, group: Group, replies: Replies) -> Verdict:
        """What it says after the replies to its questions."""

    def __call__(self, group: Group) -> Verdict:
        """Ask about one problem."""
        return self.batch([group])[0]

    def batch(self, groups: Sequence[Group]) -> list[Verdict]:
        """Ask about several problems together."""
        asked = [self.asks(group) for group in groups]
        replies = iter(self._replies(asked))
        return [self.hear(group, list(islice(replies, len(some)))) for group, some in zip(groups, asked, strict=True)]

    def _replies(self, asked: Sequence[list[Ask]]) -> Replies:
        """No reply to anything about several problems is an outage, and raised; about one, its text may be to blame."""
        asks = [one for some in asked for one in some]
        try:
            return consult(asks, name=self.name, max_concurrency=self.max_concurrency)
        except LangdistillError:
            raise
        except Exception:
            if sum(bool(some) for some in asked) > 1:
                raise
            return [[] for _ in asks]


def shown(messages: Sequence[Message]) -> str:
    """Messages as a judge is shown them: the text of one, or of several in turn behind their roles."""
    told = [_told(one) for one in messages]
    return (
        told[0]
        if len(told) == 1
        else "\n\n".join(f"{one['role']}: {text}" for one, text in zip(messages, told, strict=True))
    )


def _told(message: Message) -> str:
    calls = [f"calls {call.name} with {call.written}" for call in asked(message)]
    return "\n".join([(text_of(message) or "").strip(), *calls]).strip()


def _named(value: Any) -> str | list[str] | None:
    """The names of a model, or of several; `None` for anything else."""
    if isinstance(value, Runnable):
        return ask(value, "").model_name
    if isinstance(value, tuple) and value and all(isinstance(one, Runnable) for one in value):
        return [ask(one, "").model_name for one in value]
    return None
