from __future__ import annotations

from typing import Any

from langdistill import create_chain_of_draft


def test_the_prompt_caps_the_words_of_a_step(saying: Any, asked: Any) -> None:
    model = saying(["2+2=4\nAnswer: 4"] * 2)
    assert asked(create_chain_of_draft(model))["answer"] == "4"
    asked(create_chain_of_draft(model, words=3))
    assert ["at most 5 words" in prompt[0].text for prompt in model.prompts] == [True, False]
    assert "at most 3 words" in model.prompts[1][0].text
