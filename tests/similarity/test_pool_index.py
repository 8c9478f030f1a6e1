from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.errors import DatasetError
from langdistill.similarity import rouge_l as module
from langdistill.similarity.pool_index import Near, PoolIndex
from langdistill.similarity.rouge_l import any_script, f1, rouge_l, spelled, words

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "aa", "bb"]), max_size=14).map(" ".join)


Letters = list[str | list[int]]


def lettered(*texts: str) -> Letters:
    numbers: dict[str, int] = {}
    return [spelled([numbers.setdefault(token, len(numbers)) for token in words(text)]) for text in texts]


def exhaustively(pool: Letters, asked: str | list[int], threshold: float) -> Near | None:
    scores = [f1(asked, one) for one in pool]
    best = max(scores, default=0.0)
    return Near(scores.index(best), best) if best >= threshold else None


@settings(max_examples=400, deadline=None)
@given(
    pool=st.lists(TEXTS, max_size=25),
    later=st.lists(TEXTS, max_size=8),
    asked=st.lists(TEXTS, min_size=1, max_size=8),
    threshold=st.sampled_from([0.01, 0.3, 0.5, 2 / 3, 0.7, 0.8, 0.9, 1.0]),
)
def test_it_finds_what_comparing_with_every_text_finds(
    pool: list[str], later: list[str], asked: list[str], threshold: float
) -> None:
    index = PoolIndex(pool, threshold=threshold, expected=later[:3])
    known = lettered(*pool, *later, *asked)
    for at, text in enumerate(asked):
        size = len(pool) + min(at, len(later))
        assert index.nearest(text) == exhaustively(known[:size], known[len(pool) + len(later) + at], threshold)
        for one in later[at : at + 1]:
            assert index.add(one) == len(pool) + at
    assert len(index) == len(pool) + min(len(later), len(asked))


def questions(data: Path) -> list[str]:
    svamp = json.loads((data / "svamp" / "SVAMP.json").read_text())
    gsm8k = [json.loads(line) for line in (data / "gsm8k" / "train.jsonl").read_text().splitlines()]
    return [f"{row['Body']} {row['Question']}" for row in svamp] + [row["question"] for row in gsm8k[:1000]]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_real_texts(data: Path, threshold: float) -> None:
    """SVAMP is a set of variants: at 0.7 there are 1,903 pairs among its thousand."""
    texts = questions(data)
    index = PoolIndex(texts[::2], threshold=threshold)
    asked = texts[1:601:2]
    found = [index.nearest(text) for text in asked]
    letters = lettered(*texts)
    assert found == [exhaustively(letters[::2], one, threshold) for one in letters[1:601:2]]
    assert sum(near is not None for near in found) > 10
    compared = sum(index.comparisons(text) for text in asked) / len(asked)
    assert compared < len(index) / 4


def test_texts_changed_to_every_similarity(data: Path) -> None:
    dice, texts = Random(7), questions(data)[700:1300]
    index = PoolIndex(texts)
    scores: list[float] = []
    for text in dice.sample(texts, 100):
        share = dice.uniform(0.1, 0.5)
        changed = " ".join(f"x{at}" if dice.random() < share else word for at, word in enumerate(text.split()))
        near = index.nearest(changed)
        *known, asked = lettered(*texts, changed)
        assert near == exhaustively(known, asked, 0.7)
        scores.append(near.score if near else 0.0)
    assert sum(0.7 <= score < 0.8 for score in scores) > 20
    assert 20 < scores.count(0.0) < 130


@pytest.mark.parametrize("other", ["a b c d e f g p q r", "a b c d e f g"])
def test_the_limit_itself_is_found(other: str) -> None:
    score = rouge_l("a b c d e f g x y z", other)
    assert score in (0.7, 14 / 17)
    assert PoolIndex([other], threshold=score).nearest("a b c d e f g x y z") == Near(0, score)
    assert PoolIndex([other], threshold=score + 1e-6).nearest("a b c d e f g x y z") is None


def test_every_limit_that_a_fraction_can_be() -> None:
    """A bound that is rounded the wrong way misses one of these."""
    for m in range(1, 25):
        for n in range(1, 25):
            for shared in range(1, min(m, n) + 1):
                one = " ".join([f"s{at}" for at in range(shared)] + [f"x{at}" for at in range(m - shared)])
                other = " ".join([f"s{at}" for at in range(shared)] + [f"y{at}" for at in range(n - shared)])
                score = 2 * shared / (m + n)
                assert PoolIndex([other], threshold=score).nearest(one) == Near(0, score)


def test_the_first_of_several_equal_ones() -> None:
    index = PoolIndex(["x y z", "b a", "a b", "A, B!"])
    assert index.nearest("a b") == Near(2, 1.0)


def test_what_has_no_tokens_is_like_nothing() -> None:
    index = PoolIndex(["", "?!", "蘋果"])
    assert len(index) == 3
    assert [index.nearest(text) for text in ("", "?!", "蘋果", "a")] == [None] * 4
    assert PoolIndex().nearest("a") is None
    assert PoolIndex(["蘋果"], tokens=any_script).nearest("蘋果") == Near(0, 1.0)


def test_more_tokens_than_there_are_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHARACTERS", 5)
    index = PoolIndex(["a b c", "d e f g", "h i j k"])
    assert [index.nearest(text) for text in ("a b c", "d e f x", "h i j k")] == [
        Near(0, 1.0),
        Near(1, 0.75),
        Near(2, 1.0),
    ]


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_that_is_none(threshold: float) -> None:
    with pytest.raises(DatasetError, match="above 0 and at most 1"):
        PoolIndex(threshold=threshold)
