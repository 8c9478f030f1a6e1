from __future__ import annotations

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.distinct_reasoning import distinct_reasoning, shingles, similarity
from langdistill.groups import Group
from langdistill.records import Example, Verdict


def judged(*texts: str, max_similarity: float = 0.8, min_rows: int = 1, thinking: bool = False) -> Verdict:
    rows = [
        Example(
            messages=[],
            target=[{"role": "assistant", "content": "4" if thinking else text}],
            reasoning=text if thinking else None,
            problem="p",
            trace="t",
        )
        for text in texts
    ]
    return distinct_reasoning(max_similarity, min_rows=min_rows)(Group("p", rows=tuple(rows)))


def test_similarity_is_the_share_of_common_runs_of_three_words() -> None:
    one, other = shingles("a b c d e"), shingles("a b c d x")
    assert similarity(one, other) == 2 / 4
    assert similarity(one, one) == 1
    assert similarity(shingles("a b"), shingles("A, b!")) == 1
    assert similarity(shingles("a b"), shingles("a c")) == 0


def test_the_same_reasoning_in_another_spelling_goes() -> None:
    verdict = judged("First 2, then 4.", "first 2 then 4", "Double it: four is there.")
    assert (verdict.keep, verdict.dropped) == (True, {1: "same-reasoning"})
    assert verdict.evidence == {
        "rows": 3,
        "kept": 2,
        "distinct": pytest.approx(2 / 3),
        "similarity": pytest.approx(1 / 3),
    }


def test_the_threshold() -> None:
    texts = ("a b c d e", "a b c d x")
    assert judged(*texts, max_similarity=0.5).dropped == {}
    assert judged(*texts, max_similarity=0.49).dropped == {1: "same-reasoning"}
    assert judged(*texts, max_similarity=0.49).evidence["distinct"] == 1


def test_thinking_is_compared_where_the_row_tells_it() -> None:
    assert judged("one way of it", "quite another way", thinking=True).dropped == {}
    assert judged("one way of it", "one way of it", thinking=True).dropped == {1: "same-reasoning"}


def test_a_single_row_and_too_few() -> None:
    assert judged("a").evidence == {"rows": 1, "kept": 1, "distinct": 1, "similarity": 0}
    verdict = judged("a b c", "a b c", min_rows=2)
    assert (verdict.keep, verdict.reason) == (False, "too-few")
    with pytest.raises(DatasetError, match="no similarity"):
        distinct_reasoning(80)


def test_characters_are_compared_where_words_are_not_written_apart() -> None:
    one = "首先我们把三个苹果和四个苹果加在一起，得到七个苹果，然后减去两个"
    assert judged(f"{one}。", f"{one}吧。", "每个人拿到五个，所以一共是十五个。").dropped == {1: "same-reasoning"}
