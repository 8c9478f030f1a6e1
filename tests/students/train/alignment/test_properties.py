"""What holds of every pair of byte-pair vocabularies and every text."""

from __future__ import annotations

import math
import tracemalloc
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.students.train.alignment.aligning import Aligned, align_top_k, partners
from langdistill.students.train.alignment.vocabulary import Vocabulary, joined

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

SIGNS = "abcde. \néß漢😀"
WORDS = st.one_of(st.text(SIGNS, min_size=1, max_size=8), st.sampled_from(["   ", "\n\n", " a"]))
TEXTS = st.lists(WORDS, max_size=12).map("".join)


@cache
def trained(seed: int, marks: str, size: int) -> Any:
    """A vocabulary of byte pairs, trained on a random corpus; `marks` says how it writes spaces."""
    from tokenizers import models, pre_tokenizers, trainers

    dice = Random(seed)
    corpus = [" ".join("".join(dice.choices(SIGNS, k=dice.randint(1, 6))) for _ in range(30)) for _ in range(10)]
    model = tokenizers.Tokenizer(models.BPE())
    byte_level = marks == "Ġ"
    model.pre_tokenizer = (
        pre_tokenizers.ByteLevel(add_prefix_space=False)
        if byte_level
        else pre_tokenizers.Metaspace(prepend_scheme="never")
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else [*SIGNS, "▁"]
    model.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=len(alphabet) + size, initial_alphabet=alphabet, special_tokens=["<end>"], show_progress=False
        ),
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=model, eos_token="<end>")


TOKENIZERS = st.builds(trained, st.integers(0, 4), st.sampled_from("Ġ▁"), st.integers(0, 80))


def told(vocabulary: Vocabulary, text: str, dice: Random) -> tuple[list[str], list[dict[str, float]]]:
    """A tokenisation and random distributions: each token itself, and up to four others."""
    theirs = [vocabulary.text(one) for one in vocabulary.encode(text)]
    known = sorted(vocabulary.ids)
    distributions: list[dict[str, float]] = []
    for token in theirs:
        texts = dict.fromkeys([token, *dice.sample(known, 4)])
        shares = [dice.random() for _ in texts]
        distributions.append({one: math.log(share / sum(shares)) for one, share in zip(texts, shares, strict=True)})
    return theirs, distributions


def spans(texts: list[str]) -> list[tuple[int, int]]:
    """Where each token lies, in bytes, the spaces left out."""
    found, at = [], 0
    for text in texts:
        length = len(text.replace(" ", "").encode("utf-8", "surrogateescape"))
        found.append((at, at + length))
        at += length
    return found


def bare(token: str) -> str:
    """A token without the spaces before it, by which tokens are compared."""
    return token.lstrip(" ") or token


def own(found: Aligned, vocabulary: Vocabulary) -> list[str]:
    return [vocabulary.text(one) for one in found.ids]


@settings(max_examples=150, deadline=None)
@given(TOKENIZERS, TOKENIZERS, TEXTS, st.integers(0, 9))
def test_every_pair(teacher: Any, student: Any, text: str, seed: int) -> None:
    vocabulary = Vocabulary(student)
    theirs, distributions = told(Vocabulary(teacher), text, Random(seed))
    found = align_top_k(theirs, distributions, vocabulary, end=True)
    assert (found.ids[-1], found.distributions[-1], found.copied[-1]) == (vocabulary.end, {vocabulary.end: 1.0}, False)
    ours = own(found, vocabulary)[:-1]
    assert joined(ours) == text
    met = partners(ours, theirs)
    where, there = spans(ours), spans(theirs)
    for at, partner in enumerate(met):
        distribution = found.distributions[at]
        if not found.copied[at]:
            assert distribution == {found.ids[at]: 1.0}
            continue
        assert partner is not None
        assert where[at] == there[partner]
        assert bare(ours[at]) == bare(theirs[partner])
        assert math.fsum(distribution.values()) <= math.fsum(map(math.exp, distributions[partner].values())) + 1e-12
        assert all(mass > 0 for mass in distribution.values())
    same = {(span, bare(token)) for span, token in zip(there, theirs, strict=True)}
    for partner, span, token in zip(met, where, ours, strict=True):
        if span[0] < span[1]:
            assert (partner is not None) == ((span, bare(token)) in same)


@settings(max_examples=100, deadline=None)
@given(TOKENIZERS, TEXTS, st.integers(0, 9))
def test_identity_on_equal_tokenizers(tokenizer: Any, text: str, seed: int) -> None:
    vocabulary = Vocabulary(tokenizer)
    theirs, distributions = told(vocabulary, text, Random(seed))
    found = align_top_k(theirs, distributions, vocabulary)
    assert list(found.ids) == vocabulary.encode(text)
    assert all(found.copied)
    assert list(found.distributions) == [
        {vocabulary.ids[token]: math.exp(logprob) for token, logprob in one.items()} for one in distributions
    ]


@settings(max_examples=100, deadline=None)
@given(TOKENIZERS, TOKENIZERS, TEXTS, TEXTS)
def test_texts_that_differ_are_copied_only_where_the_tokens_are_alike(
    teacher: Any, student: Any, said: str, text: str
) -> None:
    vocabulary = Vocabulary(student)
    theirs, distributions = told(Vocabulary(teacher), said, Random(0))
    found = align_top_k(theirs, distributions, vocabulary, text=text)
    ours = own(found, vocabulary)
    assert joined(ours) == text
    for token, partner in zip(ours, partners(ours, theirs), strict=True):
        assert partner is None or bare(token) == bare(theirs[partner])


def test_memory_grows_with_the_length_of_the_text() -> None:
    teacher, vocabulary = Vocabulary(trained(0, "▁", 80)), Vocabulary(trained(1, "Ġ", 80))

    def peak(length: int) -> int:
        text = " ".join("".join(Random(at).choices("abcde", k=4)) for at in range(length))
        theirs, distributions = told(teacher, text, Random(0))
        align_top_k(theirs, distributions, vocabulary)  # what is kept for the next text is not counted
        tracemalloc.start()
        align_top_k(theirs, distributions, vocabulary)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(2_000) < 8 * peak(500)
