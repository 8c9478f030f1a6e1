from __future__ import annotations

import pytest

from langdistill.answers.thinking import before_answer, thought_and_said


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("Answer: 4", None, "Answer: 4"),
        ("  four ", None, "  four "),
        ("<think>\nhm\n</think>\n\nAnswer: 4", "hm", "Answer: 4"),
        ("hm\n</think>\n\nAnswer: 4", "hm", "Answer: 4"),
        ("[THINK]hm[/THINK]4", "hm", "4"),
        ("<Reasoning>a</Reasoning>x <thinking>b</thinking>y", "a\n\nb", "x y"),
        ("<think>a <think> tag</think>4", "a  tag", "4"),
        ("<think>a </think> tag</think>4", "a  tag", "4"),
        ("<think>cut sho", "cut sho", ""),
        ("Four.\n  <think>cut sho", "cut sho", "Four."),
        ("Write <think> before it.", None, "Write <think> before it."),
        ("<think></think>4", None, "4"),
        ("", None, ""),
    ],
)
def test_thinking_between_tags(text: str, thought: str | None, said: str) -> None:
    assert thought_and_said(text) == (thought, said)


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        ("2 and 2.\nSo it is.\nAnswer: 4", "2 and 2.\nSo it is."),
        ("2 and 2.\nThe box: \\boxed{4} it is", "2 and 2."),
        ("Answer: 3? No.\nAnswer: 4", "Answer: 3? No."),
        ("2+2\n#### 4", "2+2"),
        ("Answer: 4", None),
        ("\n\nAnswer: 4", None),
        ("No mark\nhere", None),
        ("\\boxed{}\nAnswer: 4", "\\boxed{}"),
    ],
)
def test_what_stands_before_the_answer(text: str, reasoning: str | None) -> None:
    assert before_answer(text) == reasoning


def test_a_hostile_reply_costs_no_more() -> None:
    assert thought_and_said("<think>" * 100_000 + "</think>4") == (None, "4")
    assert thought_and_said("x</think>" * 100_000)[1] == ""
