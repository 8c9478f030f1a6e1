"""Two tasks of one reasoned answer (Hsieh et al., 2305.02301)."""

from __future__ import annotations

import pytest

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.renderings.step_by_step import step_by_step
from langdistill.errors import DatasetError
from langdistill.records import Example
from tests.reasoned import row


def test_two_rows_and_never_one_text() -> None:
    found = [one for one in step_by_step().over([])(row("x")) if isinstance(one, Example)]
    assert [(one.style, one.messages[-1]["content"], one.target[0]["content"]) for one in found] == [
        ("label", "[label] What is x?", "4"),
        ("rationale", "[rationale] What is x?", "Because."),
    ]


def test_without_reasoning_the_label_stays() -> None:
    label, missing = step_by_step(label="predict:", rationale="explain:").over([])(row("x", None))
    assert isinstance(label, Example)
    assert label.messages[-1]["content"] == "predict: What is x?"
    assert isinstance(missing, Unfit)
    assert missing.reason == "no-reasoning"


def test_the_rationale_keeps_the_log_probabilities_of_its_own_tokens() -> None:
    told = [
        {"token": token, "logprob": -0.5, "top_logprobs": []} for token in ("Be", "cause", ".", "\n", "Answer", ": 4")
    ]
    label, rationale = step_by_step().over([])(row("x", logprobs=told))
    assert isinstance(label, Example)
    assert isinstance(rationale, Example)
    assert label.logprobs is None
    assert rationale.logprobs == told[:3]


def test_prefixes_that_do_not_differ() -> None:
    with pytest.raises(DatasetError, match="differ"):
        step_by_step(label="x", rationale="x")
