"""The teacher's log-probabilities, per token of what the student must say (Fu et al., 2301.12726: five alternatives a token).

They are kept as the server told them: `top_logprobs` of each token, never renormalised, so that the mass which is missing stays
visible; and with the name of the tokenizer whose tokens they are, for a student that has another
(`students.train.alignment.align_top_k`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows, Target
from langdistill.records import Call, Example, Reply, text_of

Part = Literal["whole", "answer"]
"""The reply as a whole, or the final answer that it ends in."""


@dataclass(frozen=True)
class TeacherLogprobs:
    """See `teacher_logprobs`."""

    take: Target
    k: int
    part: Part
    tokenizer: str | None

    @property
    def name(self) -> str:
        """The target's that it adds to."""
        return str(getattr(self.take, "name", None) or getattr(self.take, "__name__", None) or type(self.take).__name__)

    @property
    def params(self) -> dict[str, Any]:
        """Its settings, and those of the target."""
        told = {"k": self.k, "part": self.part, "tokenizer": self.tokenizer}
        return {**getattr(self.take, "params", {}), "teacher_logprobs": told}

    def __call__(self, group: Group) -> Rows:
        """The target's rows with their log-probabilities."""
        rows = self.take(group)
        return replace(rows, examples=tuple(self._with(row, group) for row in rows.examples))

    def _with(self, row: Example, group: Group) -> Example:
        text = row.answer if self.part == "answer" else text_of(row.target[-1])
        for call, reply in _replies(row, group):
            if tokens := covering(reply.logprobs or [], text or ""):
                kept = [top_k(token, self.k) for token in tokens]
                return row.model_copy(update={"logprobs": kept, "tokenizer": self.tokenizer or call.model})
        return row.model_copy(update={"logprobs": None, "tokenizer": None})


def teacher_logprobs(
    take: Target, *, k: int = 5, part: Part = "whole", tokenizer: str | None = None
) -> TeacherLogprobs:
    """The same target with the teacher's log-probabilities in its rows (`Example.logprobs`).

    A row of which the server told none, or whose target is no part of the recorded reply, stays without: what is trained on them
    falls back to the tokens alone.

    Args:
        take: the target; its rows must name the call that they are the reply of.
        k: how many alternatives to keep of each token, the likeliest first (5 in the paper); at least 1.
        part: which part of the reply: "whole", the text of the target, or "answer", the final answer in it.
        tokenizer: name of the teacher's tokenizer, such as "Qwen/Qwen3-32B"; `None`: the name of the model that answered.

    Raises:
        DatasetError: `k` is below 1.
    """
    if k < 1:
        raise DatasetError(f"teacher_logprobs(k={k}) would keep nothing. Keep at least one alternative of each token.")
    return TeacherLogprobs(take, k, part, tokenizer)


def covering(logprobs: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]] | None:
    """The tokens that the last occurrence of a text lies in; `None` where it is no part of what the tokens say.

    The first and the last may hold more than the text does, such as the space before it.
    """
    spans = [_bytes_of(one) for one in logprobs]
    wanted = text.encode()
    start = b"".join(spans).rfind(wanted)
    if start < 0 or not wanted:
        return None
    found: list[Mapping[str, Any]] = []
    at = 0
    for token, span in zip(logprobs, spans, strict=True):
        if at < start + len(wanted) and at + len(span) > start:
            found.append(token)
        at += len(span)
    return found


def top_k(token: Mapping[str, Any], k: int) -> dict[str, Any]:
    """A token with its k likeliest alternatives, likeliest first, as they were told: not renormalised."""
    alternatives = sorted(token.get("top_logprobs") or [], key=lambda one: (-one["logprob"], one["token"]))[:k]
    return {**token, "top_logprobs": alternatives}


def tail_mass(token: Mapping[str, Any]) -> float:
    """The probability that its alternatives leave to all other tokens, from 0 to 1."""
    told = sum(math.exp(one["logprob"]) for one in token.get("top_logprobs") or [])
    return min(1.0, max(0.0, 1.0 - told))


def distributions(logprobs: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[dict[str, float]]]:
    """The texts of the tokens, and of each the log-probabilities of its alternatives by their texts: what `align_top_k` takes."""
    texts = [_text_of(one) for one in logprobs]
    return texts, [{_text_of(one): one["logprob"] for one in token.get("top_logprobs") or []} for token in logprobs]


def _replies(row: Example, group: Group) -> list[tuple[Call, Reply]]:
    """The replies of the call that a row names, first those that say the row's target or its reasoning word for word."""
    calls = [call for trace in group.originals for call in trace.calls if call.id == row.call and not call.error]
    told = [(call, reply) for call in calls for reply in call.replies]
    parts = [part for part in (text_of(row.target[-1]), row.reasoning) if part]
    return sorted(told, key=lambda one: not all(part in (text_of(one[1].message) or "") for part in parts))


def _text_of(token: Mapping[str, Any]) -> str:
    return _bytes_of(token).decode("utf-8", "surrogateescape")


def _bytes_of(token: Mapping[str, Any]) -> bytes:
    """A token that is a part of a character has its bytes told beside it."""
    told = token.get("bytes")
    return bytes(told) if told is not None else str(token["token"]).encode("utf-8", "surrogateescape")
