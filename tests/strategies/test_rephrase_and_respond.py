from __future__ import annotations

from typing import Any

import pytest

from langdistill import create_one_step_rephrase_and_respond, create_rephrase_and_respond
from langdistill.errors import ModelError, PromptError


def test_the_second_call_sees_both_questions(saying: Any, asked: Any) -> None:
    responder, rephraser = saying(["Answer: 4"]), saying(["Add two and two."])
    assert asked(create_rephrase_and_respond(responder, rephraser=rephraser))["answer"] == "4"
    [[told]], [[rephrasing]] = responder.prompts, rephraser.prompts
    assert "2+2?" in rephrasing.text
    assert "2+2?" in told.text
    assert "Add two and two." in told.text


def test_an_empty_rephrasing(saying: Any, asked: Any) -> None:
    with pytest.raises(ModelError, match="'rephrase' is empty"):
        asked(create_rephrase_and_respond(saying(["", "Answer: 4"])))


def test_a_response_template_must_show_both(saying: Any) -> None:
    with pytest.raises(PromptError, match="rephrased"):
        create_rephrase_and_respond(saying([]), respond="{rephrased}")


def test_one_step_is_one_completion(saying: Any, asked: Any) -> None:
    model = saying(["Add two and two: 4.\nAnswer: 4"])
    assert asked(create_one_step_rephrase_and_respond(model))["answer"] == "4"
    assert "ephrase" in model.prompts[0][0].text
