"""How sure a model is of a reply: the weights of a confidence-weighted vote.

Source: Taubenfeld et al., 2502.06233 (CISC): the model's confidence in each sampled reasoning, softmaxed within the question,
weighs the reply's vote. The paper compares P(True), a stated confidence and the sequence probability. Prompts in own wording.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from langchain_core.messages import AIMessage

from langdistill.answers import number
from langdistill.prompts import fill

P_TRUE = (
    "{question}\nProposed answer, with its reasoning:\n{reply}\n"
    "Is the proposed answer right? Write only one word: True or False."
)
STATED = (
    "{question}\nProposed answer, with its reasoning:\n{reply}\n"
    "How likely is the proposed answer to be right? Write only a number from 0 to 100."
)


@dataclass(frozen=True)
class Confidence:
    """A way to tell how sure a model is; its fields are the knobs: ``replace(p_true, temperature=0.5)``."""

    name: str
    read: Callable[[AIMessage], float | None]
    """From the reply to `prompt` (without one: from the sampled reply itself) to a confidence between 0 and 1."""
    prompt: str | None = None
    """Template with the places ``{question}`` and ``{reply}``: one more completion for every sample."""
    temperature: float = 1.0
    """Of the softmax over a question's confidences; the paper tunes it, 1 is ours."""
    params: dict[str, Any] = field(default_factory=dict)
    """Sampling parameters of the extra completion."""

    def about(self, question: str, reply: AIMessage) -> str:
        """The prompt that asks how sure the model is of a reply."""
        return fill(self.prompt or "", question=question, reply=reply.text)


def softmax(confidences: Sequence[float | None], temperature: float) -> list[float]:
    """Weights that sum to 1. A confidence that could not be read weighs as the mean of the others."""
    known = [one for one in confidences if one is not None]
    mean = sum(known) / len(known) if known else 0.0
    powers = [math.exp((mean if one is None else one) / temperature) for one in confidences]
    total = sum(powers)
    return [power / total for power in powers]


def odds(token: Mapping[str, Any], word: str, other: str) -> float | None:
    """The share of a word beside another one, among the alternatives of a token; `None` where neither is among them.

    Args:
        token: with its log-probabilities, as servers tell them.
        word: in lower case; a token may be its beginning.
        other: the same.
    """
    chances = {word: 0.0, other: 0.0}
    for one in token.get("top_logprobs") or [token]:
        told = str(one["token"]).strip().casefold()
        for key in chances:
            if told and key.startswith(told):
                chances[key] += math.exp(one["logprob"])
    total = sum(chances.values())
    return chances[word] / total if total else None


def _truth(reply: AIMessage) -> float | None:
    """P(True): the share of "true" among the first token's alternatives; without log-probabilities, the word itself."""
    shares = [odds(token, "true", "false") for token in tokens_of(reply)[:1]]
    if shares and shares[0] is not None:
        return shares[0]
    words = reply.text.casefold()
    return 1.0 if words.startswith("true") else 0.0 if words.startswith("false") else None


def _percentage(reply: AIMessage) -> float | None:
    told = number(reply.text)
    share = float(Fraction(told.rstrip("%"))) / 100 if told else -1.0
    return share if 0 <= share <= 1 else None


def _sequence(reply: AIMessage) -> float | None:
    """Geometric mean of the tokens' probabilities."""
    logprobs = [token["logprob"] for token in tokens_of(reply)]
    return math.exp(sum(logprobs) / len(logprobs)) if logprobs else None


def tokens_of(reply: AIMessage) -> list[dict[str, Any]]:
    """The tokens of a reply with their log-probabilities, where the server told them."""
    return (reply.response_metadata.get("logprobs") or {}).get("content") or []


DECIDING: dict[str, Any] = {"temperature": 0.0, "logprobs": True, "top_logprobs": 5}
"""Sampling parameters of a reply whose word is to be weighed beside another one."""

p_true = Confidence("p_true", _truth, P_TRUE, params=DECIDING)
"""The probability of "True" when asked whether the reply is right; needs log-probabilities to be more than yes or no."""

verbal = Confidence("verbal", _percentage, STATED, params={"temperature": 0.0})
"""A stated percentage."""

sequence_probability = Confidence("sequence_probability", _sequence)
"""The reply's own length-normalised probability: no extra completion, but a model that tells log-probabilities."""
