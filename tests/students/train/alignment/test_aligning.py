"""A teacher's distributions in the vocabulary of a student with another tokenizer (Fu et al., 2301.12726)."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from langdistill.errors import StudentError
from langdistill.students.train.alignment.aligning import align_top_k, partners
from langdistill.students.train.alignment.vocabulary import Vocabulary, joined

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")


def toy(merges: list[tuple[str, str]], signs: str, **special: Any) -> Any:
    """A byte-pair vocabulary with these merges and no others; "Ġ" is the space."""
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    words = [*signs, *(one + other for one, other in merges), *special.values()]
    model = BPE(vocab={word: at for at, word in enumerate(words)}, merges=merges)
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **special)


SIGNS = "Ġabcdefghijklmnopqrstuvwxyz."
TEACHER = toy([("Ġ", "c"), ("a", "t"), ("Ġc", "at"), ("Ġ", "s"), ("Ġs", "at"), ("t", "h"), ("th", "e")], SIGNS)
STUDENT = toy([("Ġ", "c"), ("a", "t"), ("Ġc", "at"), ("t", "h"), ("th", "e")], SIGNS, eos_token="<end>")
"""The student has no token for " sat"."""


def tokens(tokenizer: Any, text: str) -> list[str]:
    vocabulary = Vocabulary(tokenizer)
    return [vocabulary.text(one) for one in vocabulary.encode(text)]


def told(texts: list[str], *others: str) -> list[dict[str, float]]:
    """Half of the mass on each token itself, a quarter on another, an eighth on a third."""
    masses = (0.25, 0.125)
    return [
        {text: math.log(0.5)} | {other: math.log(mass) for other, mass in zip(others, masses, strict=False)}
        for text in texts
    ]


def test_positions_that_meet_one_to_one_are_copied_and_the_others_are_one_hot() -> None:
    theirs = tokens(TEACHER, "the cat sat.")
    assert theirs == ["the", " cat", " sat", "."]
    assert tokens(STUDENT, "the cat sat.") == ["the", " cat", " ", "s", "at", "."]
    found = align_top_k(theirs, told(theirs, "at", " sat"), STUDENT)
    ids = STUDENT.get_vocab()
    assert found.ids == tuple(ids[one] for one in ("the", "Ġcat", "Ġ", "s", "at", "."))
    assert found.copied == (True, True, False, False, False, True)
    assert found.distributions == (
        {ids["the"]: 0.5, ids["at"]: 0.25},
        {ids["Ġcat"]: 0.5, ids["at"]: 0.25},
        {ids["Ġ"]: 1.0},
        {ids["s"]: 1.0},
        {ids["at"]: 1.0},
        {ids["."]: 0.5, ids["at"]: 0.25},
    )
    assert found.tails == [0.25, 0.25, 0.0, 0.0, 0.0, 0.25]


def test_mass_is_renormalised_only_when_asked_for() -> None:
    theirs = tokens(TEACHER, "the cat sat.")
    found = align_top_k(theirs, told(theirs, "at"), STUDENT, renormalise=True)
    assert [math.fsum(one.values()) for one in found.distributions] == [1.0] * 6
    assert found.distributions[0] == {STUDENT.get_vocab()["the"]: 0.5 / 0.75, STUDENT.get_vocab()["at"]: 0.25 / 0.75}


def test_the_same_tokenizer_gives_the_same_distributions_and_no_divergence() -> None:
    theirs = tokens(STUDENT, "the cat sat on the mat.")
    distributions = told(theirs, " cat", "the")
    found = align_top_k(theirs, distributions, STUDENT)
    vocabulary = Vocabulary(STUDENT)
    assert all(found.copied)
    for copied, before in zip(found.distributions, distributions, strict=True):
        student = {vocabulary.ids[text]: math.exp(logprob) for text, logprob in before.items()}
        assert math.fsum(mass * math.log(mass / student[at]) for at, mass in copied.items()) == 0


def test_the_end_has_all_the_mass() -> None:
    found = align_top_k(["the"], told(["the"]), STUDENT, end=True)
    end = STUDENT.get_vocab()["<end>"]
    assert (found.ids[-1], found.distributions[-1], found.copied) == (end, {end: 1.0}, (True, False))
    with pytest.raises(StudentError, match="end token"):
        align_top_k(["the"], told(["the"]), TEACHER, end=True)


def test_a_special_token_is_no_alternative() -> None:
    found = align_top_k(["the"], told(["the"], "<end>"), STUDENT)
    assert found.distributions == ({STUDENT.get_vocab()["the"]: 0.5},)


def test_markers_of_the_teacher_are_read_and_spaces_shift_together() -> None:
    ids = STUDENT.get_vocab()
    marked = align_top_k(["▁the", "▁cat"], [{"▁the": -1.0, "▁at": -2.0}, {"Ġcat": -1.0}], STUDENT, text="the cat")
    assert marked.copied == (True, True)
    assert marked.distributions == (
        {ids["the"]: math.exp(-1.0), ids["at"]: math.exp(-2.0)},
        {ids["Ġcat"]: math.exp(-1.0)},
    )


def test_an_alternative_without_mass_and_an_empty_distribution_teach_nothing() -> None:
    for nothing in ({}, {"the": -math.inf}, {"the": -9999.0}, {"unknown": -0.1}):
        found = align_top_k(["the"], [nothing], STUDENT)
        assert (found.distributions, found.copied) == (({STUDENT.get_vocab()["the"]: 1.0},), (False,))


def test_a_text_that_differs_in_the_middle() -> None:
    theirs = tokens(TEACHER, "the cat sat.")
    found = align_top_k(theirs, told(theirs), STUDENT, text="the cat at.")
    assert tokens(STUDENT, "the cat at.") == ["the", " cat", " ", "at", "."]
    assert found.copied == (True, True, False, False, True)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (["un", "believ", "able", " cats", "."], ["unbeliev", "able", " cat", "s", "."], [None, None, 1, None, 4]),
        (["The", " cat"], [" The", " cat"], [0, 1]),
        (["a", "x", "b"], ["a", "yyy", "b"], [0, None, 2]),
        (["a", "a"], ["a"], [0, None]),
        (["a"], ["a", "a"], [0]),
        (["x", "a", "a", "y"], ["z", "a", "w"], [None, 1, 1, None]),
        (["a", " ", "b"], ["a", "b"], [0, None, 1]),
        (["a", "b"], [], [None, None]),
        ([], ["a"], []),
        ([], [], []),
    ],
)
def test_who_meets_whom(ours: list[str], theirs: list[str], expected: list[int | None]) -> None:
    assert partners(ours, theirs) == expected


def test_every_cut_of_one_text_meets_where_both_ends_agree() -> None:
    """Of two tokenisations of a text without spaces, exactly the tokens that begin and end at the same places are copied."""
    rng = Random("cuts")
    for _ in range(300):
        text = "".join(rng.choice("ab") for _ in range(rng.randrange(1, 40)))
        spans = [cuts(rng, len(text)) for _ in range(2)]
        ours, theirs = ([text[start:stop] for start, stop in one] for one in spans)
        shared = [spans[1].index(one) if one in spans[1] else None for one in spans[0]]
        assert partners(ours, theirs) == shared


def cuts(rng: Random, length: int) -> list[tuple[int, int]]:
    places = sorted({0, length, *(rng.randrange(length + 1) for _ in range(length // 2))})
    return list(pairwise(places))


def test_as_many_distributions_as_tokens() -> None:
    with pytest.raises(StudentError, match=r"2 tokens.*1 distributions"):
        align_top_k(["a", "b"], [{}], STUDENT)


def test_real_solutions_between_a_byte_level_vocabulary_and_the_lab_models(data: Path) -> None:
    """GSM8K (MIT): the toy vocabulary spells letters and knows "the"; the lab's knows its templates' words."""
    lab = transformers.AutoTokenizer.from_pretrained(Path(__file__).parents[4] / "langdistill" / "lab" / "weights")
    vocabulary = Vocabulary(lab)
    every = toy(
        [("t", "h"), ("th", "e"), ("Ġ", "the")], "".join(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    )
    lines = (data / "gsm8k" / "test.jsonl").read_text().splitlines()[:20]
    copied = total = 0
    for text in (json.loads(line)["answer"] for line in lines):
        ours, theirs = [vocabulary.text(one) for one in vocabulary.encode(text)], tokens(every, text)
        assert joined(ours) == joined(theirs) == text
        found = align_top_k(theirs, told(theirs), vocabulary)
        assert list(found.ids) == vocabulary.encode(text)
        places = set(spans_of(theirs))
        blank = {at for at, one in enumerate(ours) if not one.strip(" ")}
        expected = [one in places for one in spans_of(ours)]
        assert [one for at, one in enumerate(found.copied) if at not in blank] == [
            one for at, one in enumerate(expected) if at not in blank
        ]
        copied, total = copied + sum(found.copied), total + len(found.copied)
    assert (copied, total) == (5650, 5941)


def spans_of(texts: list[str]) -> list[tuple[int, int]]:
    """Where each token lies, in bytes, the spaces left out."""
    ends, at = [], 0
    for text in texts:
        length = len(text.replace(" ", "").encode("utf-8", "surrogateescape"))
        ends.append((at, at + length))
        at += length
    return ends
