from __future__ import annotations

import random
from collections import deque

from langdistill.answers.marked import MARK, boxed, final_answer

PARTS = ["answer", "Answer", " to", " the", " here", " is", ":", " would", " be", " must be", "####", "#", "\n", " 12", "s", "ſ"]  # fmt: skip


def test_the_last_mark_is_the_one_that_a_search_from_the_beginning_finds() -> None:
    dice, marked = random.Random(0), 0
    for _ in range(30_000):
        text = "".join(dice.choices(PARTS, k=dice.randint(2, 14)))
        last = deque(MARK.finditer(text), maxlen=1)
        ends = text[last[0].end() :].split("\n") if last else None
        found = final_answer(text + "\n\nthe end\nof it")
        assert (found is None) == (ends is None), text
        if ends and ends[0].strip(" :#"):
            assert found, text
            assert found in ends[0], text
            marked += 1
    assert marked > 1000


def test_a_reply_without_a_box_is_not_searched_for_braces() -> None:
    assert boxed("{" * 100_000) is None
    assert boxed(r"\boxed{\fbox{3}}") == "3"
