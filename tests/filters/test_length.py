from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.length import length
from tests.filters.agents import calls, judged, offers, result, row, said

WEIGHTS = Path(__file__).parents[2] / "langdistill/lab/weights"


@pytest.mark.parametrize(
    ("limits", "keep", "reason"),
    [
        ({"min_words": 3, "max_words": 3}, True, "fits"),
        ({"min_words": 4}, False, "too-short"),
        ({"max_words": 2}, False, "too-long"),
        ({"max_characters": 13}, True, "fits"),
        ({"max_characters": 12}, False, "too-long"),
        ({"min_characters": 14}, False, "too-short"),
        ({"min_words": 3, "max_characters": 5}, False, "too-long"),
    ],
)
def test_a_window_holds_its_ends(limits: dict[str, int], keep: bool, reason: str) -> None:
    found = judged(length(**limits), row(said("one two three")))
    assert (found.keep, found.reason) == (keep, reason)
    assert found.evidence == {"words": 3, "characters": 13}


def test_what_is_learnt_counts_and_what_tools_said_does_not() -> None:
    target = [
        said(None, calls("look", '{"x": 1}'), reasoning_content="hm hm"),
        result("a b c d e f"),
        said([{"type": "text", "text": "it is"}, {"type": "image_url", "image_url": {"url": "data:"}}]),
    ]
    one = row(*target, tools=[offers("look")])
    assert judged(length(max_words=99), one).evidence["words"] == 7  # hm hm look {"x": 1} it is
    assert judged(length(max_words=99, whole=True), one).evidence["words"] == 7 + 1 + 6 + len(
        str(offers("look")).split()
    )
    assert judged(length(min_words=1), row()).reason == "too-short"


def test_tokens_of_a_real_tokenizer() -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(WEIGHTS))
    text = "A coin is heads up."
    count = len(tokenizer.encode(text, add_special_tokens=False))
    assert count > 1
    for given in (str(WEIGHTS), tokenizer):
        assert judged(length(max_tokens=count, tokenizer=given), row(said(text))).evidence["tokens"] == count
        assert judged(length(max_tokens=count - 1, tokenizer=given), row(said(text))).reason == "too-long"
        assert length(max_tokens=9, tokenizer=given).params["tokenizer"] == str(WEIGHTS)


@pytest.mark.parametrize(
    "limits", [{}, {"min_words": 3, "max_words": 2}, {"min_words": -1}, {"max_words": -1}, {"max_tokens": 5}]
)
def test_limits_that_are_none(limits: dict[str, int]) -> None:
    with pytest.raises(DatasetError, match="length"):
        length(**limits)
