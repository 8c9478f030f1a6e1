"""What the teacher thought of each token of its answer: rows for distillation from top-k log-probabilities.

Fu et al. (2301.12726) match the student to the teacher's five most likely tokens; that needs the same tokens, so a row names
whose tokenizer they are of. No trainer of TRL 1.16 reads stored log-probabilities; the row keeps the shape of the OpenAI API.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.surviving import plain
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class TopKLogprobs(Format):
    """`prompt`, `completion`, `logprobs` (per token its text, natural log-probability and the `top_logprobs`), `tokenizer`."""

    tokenizer: str | None = None
    """Whose tokens they are; `None`: what the example says, or those of the model that answered."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "no-logprobs"; "no-tokenizer": nobody told which model it was; "logprobs-not-finite": of a token that was
                said; "logprobs-differ": the tokens are not those of the target's text.
        """
        if not example.logprobs:
            raise Unfit("no-logprobs")
        tokenizer = self.tokenizer or example.tokenizer or example.model
        if not tokenizer:
            raise Unfit("no-tokenizer")
        tokens = [_token(one) for one in example.logprobs]
        _check(tokens, example)
        return [
            {
                "prompt": chat(example.messages),
                "completion": chat(example.target),
                "logprobs": tokens,
                "tokenizer": tokenizer,
                **extras(example),
            }
        ]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt and the completion."""
        return [*row["prompt"], *row["completion"]]


def top_k_logprobs(*, tokenizer: str | None = None) -> TopKLogprobs:
    """Rows with the teacher's log-probabilities.

    Args:
        tokenizer: whose tokens they are; `None`: what the example says (`teacher_logprobs(tokenizer=...)`), or those of the model
            that answered.
    """
    return TopKLogprobs(tokenizer)


def _token(said: Any) -> dict[str, Any]:
    if not _told(said):
        raise Unfit("no-logprobs")
    if not _finite(said.get("logprob")):
        raise Unfit("logprobs-not-finite")
    # a token of probability 0 says no more than one that is not in the list
    top = [_pair(one) for one in said.get("top_logprobs") or () if _told(one) and _finite(one.get("logprob"))]
    return {**_pair(said), "top_logprobs": top}


def _told(said: Any) -> bool:
    """Whether it is a token, with the bytes of it if any."""
    if not isinstance(said, dict) or not isinstance(said.get("token"), str):
        return False
    held: Any = said.get("bytes")
    return held is None or (isinstance(held, list) and all(isinstance(one, int) and 0 <= one < 256 for one in held))


def _pair(said: dict[str, Any]) -> dict[str, Any]:
    return {"token": said["token"], "logprob": float(said["logprob"]), "bytes": said.get("bytes")}


def _finite(number: Any) -> bool:
    return isinstance(number, (int, float)) and math.isfinite(number)


def _check(tokens: list[dict[str, Any]], example: Example) -> None:
    """The tokens may be more than the text: an end, thinking, the markup of a tool call."""
    if sum(one["role"] == "assistant" for one in example.target) != 1:
        raise Unfit("logprobs-differ")
    said = b"".join(bytes(one["bytes"] or ()) or one["token"].encode("utf-8", "replace") for one in tokens)
    texts = [str(plain(one["content"])) for one in example.target if one["role"] == "assistant"]
    if any(text.encode("utf-8", "replace") not in said for text in texts):
        raise Unfit("logprobs-differ")
