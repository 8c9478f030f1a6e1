from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

import pytest
from rapidfuzz.distance import Indel
from rouge_score import rouge_scorer

from langdistill.similarity.rouge_l import any_script, legible, rouge_l, spelled, words

SCORER = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
ADVERSARIAL = [
    "", " ", "...", "_", "__init__", "snake_case_name", "CamelCase", "a", "A", "a a a a", "a b a b", "b a", "1", "1 1", "1,234.50", "x1y2",
    "it's", "don’t", "naïve café", "Straße", "İstanbul", "ﬁne", "x²", "٣", "五百", "人工知能 AI", "привет", "e\u0301", "a\u00a0b", "a\u200bb",
    "line\nbreak\ttab", "\x00", "🙂", "🙂 ok", "\ud800", "<b>bold</b>", "http://a.b/c?d=1", "A-B-C", "ABC", "the the the cat", "the cat",
    "K", "Ⅷ", "½ cup", "a" * 5000, " ".join("a" * 900), " ".join(map(str, range(800))), " ".join(map(str, range(400, 1200))),
]  # fmt: skip


def rouge_score(a: str, b: str) -> float:
    return SCORER.score(a, b)["rougeL"].fmeasure


def random_pairs(count: int) -> list[tuple[str, str]]:
    dice = Random(5)
    alphabets = ["abc ", "ab 01_-.,", "a é_ß Ω1 2\n\u00a0", "A a B b "]

    def text(letters: str) -> str:
        return "".join(dice.choice(letters) for _ in range(dice.choice([0, 1, 3, 10, 40, 120])))

    return [(text(letters), text(letters)) for letters in dice.choices(alphabets, k=count)]


def real_pairs(data: Path, count: int) -> list[tuple[str, str]]:
    dice = Random(6)
    texts = [json.loads(line)["question"] for line in (data / "gsm8k" / "test.jsonl").read_text().splitlines()]
    texts += [json.loads(line)["answer"] for line in (data / "gsm8k" / "test.jsonl").read_text().splitlines()]
    pairs: list[tuple[str, str]] = []
    for _ in range(count):
        one, other = dice.choice(texts), dice.choice(texts).split()
        mixed = [dice.choice(other) if dice.random() < 0.3 else word for word in one.split()]
        pairs.append((one, " ".join(other if dice.random() < 0.5 else mixed)))
    return pairs


def test_it_equals_rouge_score_on_random_and_adversarial_pairs() -> None:
    """With the real pairs below 5,300."""
    edges = [(a, b) for a in ADVERSARIAL for b in ADVERSARIAL if len(a) + len(b) < 4000]
    edges += [(a, a) for a in ADVERSARIAL[-4:]]
    pairs = edges + random_pairs(2600)
    assert len(pairs) > 4000
    wrong = [(a, b) for a, b in pairs if abs(rouge_l(a, b) - rouge_score(a, b)) > 1e-12]
    assert not wrong
    assert len({round(rouge_l(a, b), 6) for a, b in pairs}) > 150  # not all of them 0 or 1


def test_it_equals_rouge_score_on_real_texts(data: Path) -> None:
    wrong = [(a, b) for a, b in real_pairs(data, 1300) if abs(rouge_l(a, b) - rouge_score(a, b)) > 1e-12]
    assert not wrong


def test_the_tokens_are_those_of_rouge_score() -> None:
    from rouge_score.tokenize import tokenize

    for text in ADVERSARIAL:
        assert words(text) == tokenize(text, None)


def test_it_is_the_similarity_by_insertions_and_deletions() -> None:
    for a, b in random_pairs(500):
        one, other = words(a), words(b)
        if one and other:
            assert rouge_l(a, b) == pytest.approx(Indel.normalized_similarity(one, other), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "score"),
    [
        ("a b c d e f g x y z", "a b c d e f g p q r", 0.7),
        ("a b c d e f g x", "a b c d e f g p q r s t", 0.7),  # rouge-score says 0.7000000000000001
        ("the cat sat", "cat the sat", 2 / 3),
        ("a_b", "a b", 1.0),
        ("Über", "ber", 1.0),
        ("", "", 0.0),
        ("!", "?", 0.0),
    ],
)
def test_values(a: str, b: str, score: float) -> None:
    assert rouge_l(a, b) == score


def test_other_scripts() -> None:
    assert any_script("Ein Café, zwei_drei 3½!") == ["ein", "café", "zwei", "drei", "3½"]
    assert any_script("STRASSE straße") == ["strasse", "strasse"]
    assert any_script("我有3個蘋果。") == ["我", "有", "3", "個", "蘋", "果"]
    assert any_script("Сколько яблок?") == ["сколько", "яблок"]
    assert rouge_l("我有三個蘋果", "我有四個蘋果", tokens=any_script) == 10 / 12
    assert rouge_l("我有三個蘋果", "我有四個蘋果") == 0.0


@pytest.mark.parametrize(
    ("text", "says"),
    [("plain text", True), ("用 Python 寫一個排序函數然後解釋", False), ("", False), ("?!", False), ("café", True)],
)
def test_whether_the_tokens_hold_the_text(text: str, says: bool) -> None:
    assert legible(text, words(text)) is says


def test_more_tokens_than_there_are_characters() -> None:
    beyond = sys.maxunicode + 1
    assert spelled([0, 65]) == "\x00A"
    assert spelled([65, beyond]) == [65, beyond]
    assert spelled([]) == ""
