"""A model with a head that gives numbers for a text in place of the next token, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from langdistill.datasets.formats.unfit import Unfit
from langdistill.errors import StudentError
from langdistill.records import Message
from langdistill.students.libraries import hushed, imported
from langdistill.students.rendering import read_tokens

ROWS = 32
"""Texts read in one pass."""


class Head:
    """Weights and tokenizer of a ranker or a classifier."""

    def __init__(self, model: Path, adapter: Path | None, numbers: int) -> None:
        """Load them, in float32 and on a GPU where there is one.

        Args:
            model: folder of the model; of the base where there is an adapter, which then holds the head.
            adapter: folder of the adapter.
            numbers: that the head gives for a text.

        Raises:
            MissingExtra: torch, transformers or peft is not installed.
            StudentError: they cannot be loaded.
        """
        with hushed():  # the head of a base without its adapter is new
            self._model, self._tokenizer = _loaded(model, adapter, numbers)
        self._context = int(self._model.config.max_position_embeddings)
        self._one_at_a_time = Lock()

    def read(self, conversations: Sequence[Sequence[Message]], *, ask: bool) -> list[list[float]]:
        """The numbers of each conversation, in their order; equal ones get equal numbers.

        Args:
            conversations: messages as chat templates read them.
            ask: end each with what comes before a reply.

        Raises:
            StudentError: the chat template cannot print one, or it is longer than the context of the model.
        """
        texts = [self._tokens(messages, ask) for messages in conversations]
        order = sorted(set(texts), key=lambda ids: (len(ids), ids))  # texts of a length together need little padding
        found: dict[tuple[int, ...], list[float]] = {}
        for start in range(0, len(order), ROWS):
            batch = order[start : start + ROWS]
            found |= zip(batch, self._pass(batch), strict=True)
        return [found[ids] for ids in texts]

    def _tokens(self, messages: Sequence[Message], ask: bool) -> tuple[int, ...]:
        try:
            ids = tuple(read_tokens(self._tokenizer, messages, ask=ask))
        except Unfit as unfit:
            raise StudentError(f"A text cannot be read: {unfit.reason}, by the chat template of the model.") from unfit
        if len(ids) > self._context:
            raise StudentError(
                f"A text has {len(ids)} tokens; the context of the model is {self._context}. Shorten it."
            )
        return ids

    def _pass(self, batch: Sequence[tuple[int, ...]]) -> list[list[float]]:
        import torch

        longest, pad = len(batch[-1]), self._tokenizer.pad_token_id
        rows = [[*ids, *[pad] * (longest - len(ids))] for ids in batch]
        masks = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch]
        ids, mask = (torch.tensor(one, device=self._model.device) for one in (rows, masks))
        with self._one_at_a_time, torch.inference_mode():
            return self._model(input_ids=ids, attention_mask=mask, use_cache=False).logits.double().tolist()


def _loaded(model: Path, adapter: Path | None, numbers: int) -> tuple[Any, Any]:
    torch, transformers = imported("torch"), imported("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(model), local_files_only=True)
        loaded = transformers.AutoModelForSequenceClassification.from_pretrained(
            str(model), num_labels=numbers, dtype=torch.float32, local_files_only=True
        )
        if adapter:
            loaded = imported("peft").PeftModel.from_pretrained(loaded, str(adapter)).merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise StudentError(f"The model {str(adapter or model)!r} cannot be loaded: {error}") from error
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token  # as in training
    loaded.config.pad_token_id = tokenizer.pad_token_id
    return loaded.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer
