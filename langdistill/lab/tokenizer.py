"""The lab model's tokenizer: byte-level, with the templates' words whole and everything else in single bytes.

A BPE without merges (`ignore_merges` looks a whole pre-token up first): a word of the templates is one token, a name
is read letter by letter, and any text can be written. It is saved as a standard `tokenizer.json`, which every runtime
reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from langdistill.lab import corpus, judging, opinion
from langdistill.lab.names import POOLS, names

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BEGIN, END = "<|pad|>", "<|begin|>", "<|end|>"
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant")}

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The generation markers cover an assistant's text and its end token: what a loss on the assistant's part must see."""

CONTEXT = 512
"""Tokens the model was given room for."""

COUNTED_DOCUMENTS = 8_000
LEAST_OCCURRENCES = 12
SHORTEST_BARE_WORD = 5
"""A shorter lower-case word at the start of a text or quotation is spelt out: "no" may be two last letters."""


def count_words() -> Counter[str]:
    """Pre-tokens of a fixed sample of the corpus in which every document kind is equally frequent."""
    from tokenizers.pre_tokenizers import ByteLevel

    rng, counts = Random("vocabulary"), Counter[str]()
    split = ByteLevel(add_prefix_space=False)
    every_kind = dict.fromkeys(corpus.writers(), 1.0)
    for _ in range(COUNTED_DOCUMENTS):
        for message in corpus.write(rng, every_kind)[1]:
            counts.update(word for word, _ in split.pre_tokenize_str(str(message["content"])))
    return counts


@cache
def vocabulary_words() -> list[str]:
    """The words that become one token each: frequent in the templates, and nobody's name."""
    everybody = {name for pool in POOLS if pool != "final" for name in names(pool)}
    frequent = [
        word
        for word, count in sorted(count_words().items())
        if count >= LEAST_OCCURRENCES
        and len(word) > 1
        and word.removeprefix("Ġ") not in everybody
        and not short_and_bare(word)
    ]
    values = [*opinion.CAPITALS, *opinion.CAPITALS.values(), *judging.KIND_OF, "heads", "tails", "Yes", "No"]
    return [*frequent, *(f"Ġ{value}" for value in values), *opinion.CAPITALS.values()]


def short_and_bare(word: str) -> bool:
    """Whether a pre-token might be an answer of last letters."""
    return word.isalpha() and word.islower() and word.isascii() and len(word) < SHORTEST_BARE_WORD


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template; the same whatever the seed of a training run.

    Raises:
        MissingExtra: `transformers` is not installed.
    """
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    special = [PAD, BEGIN, END, *ROLES.values()]
    tokens = dict.fromkeys([*special, *sorted(ByteLevel.alphabet()), *vocabulary_words()])
    model: Any = BPE(vocab={token: at for at, token in enumerate(tokens)}, merges=[], ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return with_chat(tokenizer, CONTEXT)


def byte_pairs(texts: Iterable[str], *, vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer of byte pairs that is trained on texts, each digit a token, with the lab model's roles and chat template.

    Args:
        texts: to train on.
        vocabulary: tokens, at the most.
        context: longest text, in tokens.
    """
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel, Digits
    from tokenizers.pre_tokenizers import Sequence as InTurn
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = InTurn([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = ByteLevelDecoder()
    special = [AddedToken(token, special=True) for token in (PAD, BEGIN, END, *ROLES.values())]
    trainer = BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return with_chat(tokenizer, context)


def with_chat(tokenizer: Any, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer as `transformers` reads it, with the chat template."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )
