from __future__ import annotations

from typing import Any

import pytest

from langdistill import create_least_to_most
from langdistill.errors import ModelError


def test_each_subquestion_sees_the_earlier_answers(saying: Any, asked: Any) -> None:
    model = saying(["1. How many legs has a cat?\n2) How many cats?", "Four.", "Three.", "So 12.\nAnswer: 12"])
    assert asked(create_least_to_most(model), "How many legs?")["answer"] == "12"
    first, second, third, last = [prompt[-1].text for prompt in model.prompts]
    assert "How many legs?" in first
    assert "How many legs has a cat?" in second
    assert "Question: How many legs has a cat?\nAnswer: Four." in third
    assert "Question: How many cats?\nAnswer: Three." in last


def test_no_more_subquestions_than_allowed(saying: Any, asked: Any) -> None:
    model = saying(["a?\nb?\nc?", "1", "2", "Answer: 3"])
    assert asked(create_least_to_most(model, limit=2))["answer"] == "3"


def test_an_empty_decomposition(saying: Any, asked: Any) -> None:
    with pytest.raises(ModelError, match="'decompose' is empty"):
        asked(create_least_to_most(saying([" "])))
