"""What of a row carries loss: the row through a model's real chat template, as TRL trains it, and the mask decoded back.

The loss must be on what the assistant says in the target, its end token included, and on nothing else; and the template must
print every tool call and all thinking. Neither goes without saying: templates drop thinking of earlier turns, cannot print tool
calls, or leave the end token to the next message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from langdistill.datasets.formats.unfit import Unfit
from langdistill.datasets.printed import check_printed
from langdistill.errors import DatasetError, MissingExtra
from langdistill.records import Message, digest

ANSWERS = ("completion", "chosen", "rejected")
"""Columns that follow the prompt."""
MARKERS = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True)
class Span:
    """Consecutive tokens that all carry loss, or none of them."""

    text: str
    trained: bool
    tokens: int


@dataclass(frozen=True)
class Masked:
    """One conversation of a row as the model is trained on it."""

    column: str
    """What is learnt: "completion", "chosen", "rejected" or "messages"."""
    spans: tuple[Span, ...]
    ends: tuple[bool, ...]
    """Of each span that carries loss: whether its last token is an end, white space aside."""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(span.text for span in self.spans)

    @property
    def trained(self) -> list[str]:
        """The texts that carry loss."""
        return [span.text for span in self.spans if span.trained]

    @property
    def tokens(self) -> int:
        """How long it is."""
        return sum(span.tokens for span in self.spans)


@dataclass(frozen=True)
class Tokens:
    """One conversation of a row as tokens; both of length n."""

    ids: list[int]
    trained: list[bool]
    """Of each, whether it carries loss."""

    @property
    def labels(self) -> list[int]:
        """The ids, with -100 where there is no loss."""
        return [token if here else -100 for token, here in zip(self.ids, self.trained, strict=True)]


@dataclass(frozen=True)
class Masking:
    """A tokenizer with its chat template, and how the loss will be taken."""

    tokenizer: Any
    """Of transformers."""
    assistant_only: bool | None = None
    """TRL's `assistant_only_loss`; `None`: for rows that need it. Its trainers of preferences have none."""
    pad_masked: bool = False
    """Whether tokens that are the padding token carry no loss wherever they stand, as with transformers' own collator for
    language modelling. Where the padding token is the end token, the model then never learns to end (TRL has not that trap)."""

    @property
    def params(self) -> dict[str, Any]:
        """What decides it, for a manifest."""
        template = self.tokenizer.chat_template
        return {"tokenizer": self.tokenizer.name_or_path, "template": digest(json.dumps(template, sort_keys=True))}

    def masked(self, row: Mapping[str, Any]) -> list[Masked]:
        """A row's conversations: one, or two of a preference pair.

        Raises:
            DatasetError: the row is no conversation.
            Unfit: "template-refuses" the messages, or "no-generation-markers": the loss of several messages of the assistant
                can be told from what stands between them only by a template that marks them.
        """
        return [self._masked(name, row) for name in _columns(row)]

    def tokens(self, row: Mapping[str, Any]) -> list[Tokens]:
        """A row's conversations as tokens; errors as `masked`."""
        return [self._tokens(name, row) for name in _columns(row)]

    def check(self, row: Mapping[str, Any]) -> list[Masked]:
        """The same, compared with what the row says.

        Raises:
            DatasetError: the row is no conversation.
            Unfit: as `masked`, and "template-loses-tool-calls", "template-loses-reasoning", "template-loses-content",
                "template-loses-tools", "template-quotes-arguments", "end-not-trained", "nothing-trained" or "wrong-mask".
        """
        found = self.masked(row)
        for one in found:
            _check(one, list(row.get("prompt", ())), list(row[one.column]), row.get("tools") or ())
        return found

    @cached_property
    def _marked_template(self) -> str | None:
        """The template that marks what the assistant says; `None` where the tokenizer's own does."""
        template = self.tokenizer.chat_template
        if MARKERS.search(template["default"] if isinstance(template, dict) else template):
            return None
        try:
            from trl.chat_template_utils import get_training_chat_template
        except ImportError as missing:
            raise MissingExtra(missing.name or "trl", "train") from missing
        try:
            return get_training_chat_template(self.tokenizer)
        except ValueError as error:
            raise Unfit("no-generation-markers") from error

    def _masked(self, column: str, row: Mapping[str, Any]) -> Masked:
        return self.told(column, self._tokens(column, row))

    def _tokens(self, column: str, row: Mapping[str, Any]) -> Tokens:
        prompt, said, tools = list(row.get("prompt", ())), list(row[column]), row.get("tools")
        marked = not _learnt_whole(column, row) and self._marks(column, said)
        ids, mask = self._rendered([*prompt, *said], tools, marked)
        if column != "messages":
            asked, _ = self._rendered(prompt, tools, marked, ask=True)
            start = next(
                (at for at, (one, other) in enumerate(zip(asked, ids, strict=False)) if one != other), len(asked)
            )
            mask = [here and at >= start for at, here in enumerate(mask)]
        if self.pad_masked:
            mask = [here and token != self.tokenizer.pad_token_id for token, here in zip(ids, mask, strict=True)]
        return Tokens(ids, mask)

    def _marks(self, column: str, said: Sequence[Message]) -> bool:
        several = column == "messages" or any(one["role"] != "assistant" for one in said) or len(said) > 1
        return several if self.assistant_only is None else self.assistant_only

    def _rendered(
        self, messages: list[Message], tools: Any, marked: bool, *, ask: bool = False
    ) -> tuple[list[int], list[bool]]:
        """The tokens, and which of them carry loss as far as the template says."""
        try:
            found = self.tokenizer.apply_chat_template(
                messages,
                tools=tools or None,
                chat_template=self._marked_template if marked else None,
                add_generation_prompt=ask,
                tokenize=True,
                return_dict=True,
                return_assistant_tokens_mask=marked and not ask,
            )
        except Unfit:
            raise
        except Exception as error:  # a template may raise anything
            raise Unfit("template-refuses") from error
        ids = found["input_ids"]
        return ids, [bool(one) for one in found["assistant_masks"]] if marked and not ask else [True] * len(ids)

    def told(self, column: str, said: Tokens) -> Masked:
        """Tokens of a conversation as texts with and without loss."""
        spans: list[Span] = []
        ends: list[bool] = []
        for trained, run in groupby(zip(said.ids, said.trained, strict=True), key=lambda one: one[1]):
            tokens = [token for token, _ in run]
            spans.append(Span(self._text(tokens), trained, len(tokens)))
            if trained:
                last = next((token for token in reversed(tokens) if self._text([token]).strip()), None)
                ends.append(last in self._end_ids)
        return Masked(column, tuple(spans), tuple(ends))

    def _text(self, tokens: Sequence[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    @cached_property
    def _end_ids(self) -> set[int]:
        """Templates end a turn with a token of their own: added to the vocabulary, and rarely the tokenizer's end of text."""
        return {*self.tokenizer.get_added_vocab().values(), self.tokenizer.eos_token_id}


def masking(tokenizer: Any, *, assistant_only: bool | None = None, pad_masked: bool = False) -> Masking:
    """The masking of a tokenizer.

    Args:
        tokenizer: of transformers, or the folder of one or of its model.
        assistant_only: as TRL's `assistant_only_loss`; `None`: for rows that need it.
        pad_masked: as the field of `Masking`.

    Raises:
        MissingExtra: transformers is not installed.
        DatasetError: there is no tokenizer in the folder, or it has no chat template.
    """
    if isinstance(tokenizer, Masking):
        return tokenizer
    loaded = _loaded(tokenizer) if isinstance(tokenizer, (str, Path)) else tokenizer
    if not loaded.chat_template:
        raise DatasetError(
            f"The tokenizer {loaded.name_or_path!r} has no chat template, so it cannot show what of a row carries loss. "
            "Give the tokenizer of a chat model."
        )
    return Masking(loaded, assistant_only, pad_masked)


def _loaded(place: str | Path) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError as missing:
        raise MissingExtra(missing.name or "transformers", "train") from missing
    try:
        return AutoTokenizer.from_pretrained(str(place))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"There is no tokenizer at {str(place)!r}: {str(error).splitlines()[0]} Give the folder of a Hugging Face model."
        ) from error


def _columns(row: Mapping[str, Any]) -> list[str]:
    found = [name for name in (*ANSWERS, "messages") if isinstance(row.get(name), list)]
    if not found:
        raise DatasetError(
            f"A row with the columns {', '.join(row)} is no conversation that a chat template could print. "
            "Leave the tokenizer out, or choose one of the formats trl, trl_messages, trl_preference and trl_unpaired."
        )
    return found


def _learnt_whole(column: str, row: Mapping[str, Any]) -> bool:
    """Whether TRL takes the loss on all of an answer, as its trainers of preferences do: they have no `assistant_only_loss`."""
    return column in ("chosen", "rejected") or "label" in row


def _check(masked: Masked, prompt: list[Message], said: list[Message], tools: Sequence[Any]) -> None:
    if any(tool.get("function", tool).get("name", "") not in masked.text for tool in tools):
        raise Unfit("template-loses-tools")
    check_printed(masked.text, [*prompt, *said])
    if not all(masked.ends):
        raise Unfit("end-not-trained")
    learnt = sum(one["role"] == "assistant" for one in said)
    if len(masked.trained) != learnt:
        raise Unfit("wrong-mask" if masked.trained else "nothing-trained")
    try:
        for text, messages in zip(_between(masked), _turns(prompt, said), strict=True):
            check_printed(text, messages)
    except Unfit as elsewhere:  # it is printed, but on the other side of the mask
        raise Unfit("wrong-mask") from elsewhere


def _between(masked: Masked) -> list[str]:
    """The texts without loss and with it in turns, those without first and last."""
    texts = [""]
    for span in masked.spans:
        if span.trained == (len(texts) % 2 == 0):
            texts[-1] += span.text
        else:
            texts.append(span.text)
    return [*texts, ""] if len(texts) % 2 == 0 else texts


def _turns(prompt: Sequence[Message], said: Sequence[Message]) -> list[list[Message]]:
    """The messages as `_between` has their texts: context, what the assistant says, context, and so on."""
    turns = [list(prompt)]
    for one in said:
        if one["role"] == "assistant":
            turns += [[one], []]
        else:
            turns[-1].append(one)
    return turns
