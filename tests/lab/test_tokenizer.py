from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from langdistill.lab.names import POOLS, names

TEXTS = [
    "",
    " ",
    'Answer: "nk"',
    "  two  spaces\n\n\tand a tab ",
    "naïve façade – “quoted” …",
    "日本語とעברית and العربية",
    "🤖👩‍👩‍👧 \u200b\u0000\x7f",
    "def f(x):\r\n    return {x: 1}",
    "".join(map(chr, range(32, 0x250))),
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from langdistill.lab.tokenizer import build_tokenizer

    return build_tokenizer()


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_the_round_trip(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_a_word_of_the_templates_is_one_token_and_a_name_is_read_letter_by_letter(tokenizer: Any) -> None:
    assert tokenizer.tokenize("Think step by step") == ["Think", "Ġstep", "Ġby", "Ġstep"]
    assert tokenizer.tokenize("Quentin") == list("Quentin")
    for answer in ("no", "is", "red", "axe"):
        assert tokenizer.tokenize(f'"{answer}"')[1:-1] == list(answer)


def test_no_name_is_a_word_of_the_vocabulary(tokenizer: Any) -> None:
    words = {word.removeprefix("Ġ") for word in tokenizer.get_vocab()}
    assert not words & {name for pool in POOLS for name in names(pool)}


def test_the_vocabulary_is_the_same_every_time(tokenizer: Any) -> None:
    from langdistill.lab.tokenizer import build_tokenizer

    assert build_tokenizer().get_vocab() == tokenizer.get_vocab()


def test_the_generation_mask_covers_exactly_what_the_assistant_says(tokenizer: Any) -> None:
    chat = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": 'What is the last letter of "Otto"?'},
        {"role": "assistant", "content": "o"},
        {"role": "user", "content": "Answer\nagain, naïve."},
        {"role": "assistant", "content": 'One line.\nAnswer: "ö"'},
    ]
    made = tokenizer.apply_chat_template(chat, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = made["input_ids"], made["assistant_masks"]
    spoken = tokenizer.decode([id for id, said in zip(ids, mask, strict=True) if said])
    assert spoken == 'o<|end|>One line.\nAnswer: "ö"<|end|>'
    starts = [at for at, (before, after) in enumerate(pairwise(mask)) if (before, after) == (0, 1)]
    assert [tokenizer.convert_ids_to_tokens(ids[at]) for at in starts] == ["<|assistant|>", "<|assistant|>"]


def test_a_prompt_for_generation_is_the_beginning_of_the_finished_chat(tokenizer: Any) -> None:
    asked = [{"role": "user", "content": "Is cat one of the animals?"}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": "Yes"}], tokenize=False)
    assert whole == f"{prompt}Yes<|end|>"


def test_a_batch_is_padded_at_the_left(tokenizer: Any) -> None:
    ids = tokenizer(["Is", "Is cat"], padding=True)["input_ids"]
    assert ids[0][0] == tokenizer.pad_token_id
    assert ids[0][-1] == tokenizer.convert_tokens_to_ids("Is")
