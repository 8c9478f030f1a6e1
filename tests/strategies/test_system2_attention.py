from __future__ import annotations

from typing import Any

import pytest

from langdistill import create_system2_attention
from langdistill.strategies.system2_attention import (
    attended,
    create_instructed_prompting,
    create_keep_original_attention,
    create_relevance_attention,
    create_unseparated_attention,
)

BIASED = "My aunt thinks OPINION. What is 2+2?"
REWRITTEN = "Context (unbiased): none\nQuestion (no opinion): What is 2+2?"


def test_the_second_call_sees_nothing_of_the_original_but_what_was_kept(saying: Any, asked: Any) -> None:
    model = saying([REWRITTEN, "4"])
    assert asked(create_system2_attention(model), BIASED)["answer"] == "4"
    assert "OPINION" in model.prompts[0][-1].text
    assert model.prompts[1][-1].text.startswith("What is 2+2?\n")
    assert not {"OPINION", "aunt"} & set(model.prompts[1][-1].text.replace(".", "").split())


@pytest.mark.parametrize(
    ("create", "rewriting", "seen"),
    [
        (create_relevance_attention, REWRITTEN, "What is 2+2?\nAnswer without bias."),
        (create_unseparated_attention, "What is 2+2? ", "What is 2+2?\nAnswer without bias."),
        (create_keep_original_attention, REWRITTEN, f"{BIASED}\nWhat is 2+2?\nAnswer without bias."),
    ],
)
def test_what_the_variants_show_their_second_call(
    saying: Any, asked: Any, create: Any, rewriting: str, seen: str
) -> None:
    model = saying([rewriting, "4"])
    asked(create(model), BIASED)
    assert model.prompts[1][-1].text == seen


def test_the_relevance_variant_asks_for_relevance(saying: Any, asked: Any) -> None:
    model = saying([REWRITTEN, "4"])
    asked(create_relevance_attention(model))
    assert "relevant" in model.prompts[0][-1].text
    assert "opinion" not in model.prompts[0][-1].text


def test_instructed_prompting_is_one_call(saying: Any, asked: Any) -> None:
    model = saying(["4"])
    assert asked(create_instructed_prompting(model), BIASED)["answer"] == "4"
    assert model.prompts[0][-1].text.startswith(BIASED)


@pytest.mark.parametrize(
    ("rewriting", "kept"),
    [
        ("Context: none\nQuestion: What?", "What?"),
        ("Context (gloss): A is B.\nIt rains.\nQuestion (gloss): What?\nWhy?", "A is B.\nIt rains.\nWhat?\nWhy?"),
        ("It labels nothing.", "It labels nothing."),
    ],
)
def test_attended(rewriting: str, kept: str) -> None:
    assert attended(rewriting) == kept
