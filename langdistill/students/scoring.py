"""Students that give numbers for a text: a ranker's scores, and a classifier's labels."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from langchain_core.runnables import Runnable
from typing_extensions import TypedDict

from langdistill.students.heads import Head
from langdistill.students.rendering import Conversation, messages_of

Told = TypeVar("Told")


class Answer(TypedDict):
    """What a scorer reads; the same as `create_best_of_n` gives its scorer."""

    question: Conversation
    """A text is the user's."""
    reply: Conversation
    """A text is the assistant's."""


class Classified(TypedDict):
    """What a classifier says of a prompt."""

    label: str
    """The likeliest; of several alike, the first by the alphabet."""
    probabilities: dict[str, float]
    """Of every label; they add up to 1."""


class Reader(Runnable[Any, Told], Generic[Told]):
    """A Runnable that reads all texts of a batch together."""

    def __init__(self, head: Head) -> None:
        self.head = head

    @abstractmethod
    def read(self, inputs: Sequence[Any]) -> list[Told]:
        """What it says of each, in their order.

        Raises:
            StudentError: the chat template cannot print a text, or it is longer than the context of the model.
        """

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Told:
        """What it says of one."""
        return self.batch([input], config, **kwargs)[0]

    def batch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Told]:  # type: ignore[override]
        """What it says of each, read in few passes; `config` and keywords as of any Runnable."""
        return self._batch_with_config(self.read, inputs, config, **kwargs)  # type: ignore[arg-type]

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> Told:
        """As `invoke`, beside the event loop."""
        return await asyncio.to_thread(self.invoke, input, config, **kwargs)

    async def abatch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Told]:  # type: ignore[override]
        """As `batch`, beside the event loop."""
        return await asyncio.to_thread(self.batch, inputs, config, **kwargs)


class Scorer(Reader[float]):
    """A number for a reply to a question, the higher the better: a scorer for `create_best_of_n`, and ART's Truster."""

    def read(self, inputs: Sequence[Answer]) -> list[float]:
        """The number of each."""
        texts = [[*messages_of(one["question"]), *messages_of(one["reply"], "assistant")] for one in inputs]
        return [numbers[0] for numbers in self.head.read(texts, ask=False)]


class Classifier(Reader[Classified]):
    """The label of a prompt, with the probability of each."""

    def __init__(self, head: Head, labels: Sequence[str]) -> None:
        super().__init__(head)
        self.labels = tuple(labels)
        """By the head's index."""

    def read(self, inputs: Sequence[Conversation]) -> list[Classified]:
        """The label of each."""
        return [self._told(numbers) for numbers in self.head.read([messages_of(one) for one in inputs], ask=True)]

    def _told(self, numbers: Sequence[float]) -> Classified:
        import torch

        shares = torch.tensor(numbers, dtype=torch.double).softmax(-1).tolist()
        probabilities = dict(zip(self.labels, shares, strict=True))
        return {"label": max(self.labels, key=probabilities.__getitem__), "probabilities": probabilities}
