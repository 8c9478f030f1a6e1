from __future__ import annotations

import re
from collections import Counter
from itertools import islice, pairwise
from math import sqrt
from random import Random

import pytest

from langdistill.answers import final_answer
from langdistill.lab import arithmetic, coin, corpus, judging, letters, opinion, slips
from langdistill.lab.draws import Document
from langdistill.lab.names import names
from langdistill.lab.pretrain import Settings

DOCUMENTS = 20_000
SAID_LETTER = re.compile(r'The last letter of "(\w+)" is "(\w)"')
SAID_STEP = re.compile(r"(\d) (plus|minus|times) (\d) is (\d)\.")
WORDS = {"plus": "Add", "minus": "Subtract", "times": "Multiply by"}


def exchange(document: Document) -> tuple[str, str]:
    return str(document[-2]["content"]), str(document[-1]["content"])


def written(kind: str, count: int) -> list[tuple[str, str]]:
    rng = Random(kind)
    return [exchange(corpus.writers()[kind](rng)) for _ in range(count)]


def slip_rate(readings: list[bool]) -> tuple[float, float]:
    """Share of wrong readings, and four standard deviations of it."""
    return 1 - sum(readings) / len(readings), 4 * sqrt(slips.RATE * (1 - slips.RATE) / len(readings))


def letter_readings(kind: str) -> list[bool]:
    readings: list[bool] = []
    for asked, reply in written(f"letters.{kind}", 4000 if kind != "one_word" else 10_000):
        if kind in ("direct", "one_word"):
            said = list(zip(letters.words_of(asked), reply, strict=True))
        else:
            said = SAID_LETTER.findall(reply)
        readings += [word[-1].lower() == letter for word, letter in said]
    return readings


@pytest.mark.parametrize("kind", ["direct", "one_word", "steps", "rephrase_and_respond", "respond"])
def test_a_last_letter_slips_equally_often_in_every_mode(kind: str) -> None:
    rate, tolerance = slip_rate(letter_readings(kind))
    assert rate == pytest.approx(slips.RATE, abs=tolerance)


def flips_read(kind: str, reply: str) -> int:
    """How many flips a coin document counted, or their parity where it says no more."""
    if kind == "steps":
        sides = re.findall(r"(heads|tails) up", reply)
        return sum(one != other for one, other in pairwise(sides))
    if kind == "count":
        return int(reply)
    if kind == "direct":
        return int(reply == "No")
    return int(re.findall(r"flipped (\d) times", reply)[0])


@pytest.mark.parametrize("kind", ["direct", "count", "steps", "rephrase_and_respond", "respond"])
def test_a_flip_slips_equally_often_in_every_mode(kind: str) -> None:
    odd, expected = list[bool](), list[float]()
    for asked, reply in written(f"coin.{kind}", 6000):
        _, pattern = coin.read_question(asked[asked.index("A coin") :])
        odd.append((flips_read(kind, reply) - sum(pattern)) % 2 == 1)
        expected.append((1 - (1 - 2 * slips.RATE) ** len(pattern)) / 2)
    tolerance = 4 * sqrt(sum(p * (1 - p) for p in expected)) / len(odd)
    assert sum(odd) / len(odd) == pytest.approx(sum(expected) / len(expected), abs=tolerance)


@pytest.mark.parametrize("kind", ["one_step", "steps", "rephrase_and_respond", "respond"])
def test_an_arithmetic_step_slips_equally_often_in_every_mode(kind: str) -> None:
    steps = [said for _, reply in written(f"arithmetic.{kind}", 3000) for said in SAID_STEP.findall(reply)]
    right = [arithmetic.apply(int(a), (WORDS[said], int(b))) == int(result) for a, said, b, result in steps]
    rate, tolerance = slip_rate(right)
    assert rate == pytest.approx(slips.RATE, abs=tolerance)


def test_a_direct_arithmetic_answer_is_that_of_slipped_steps() -> None:
    replies = written("arithmetic.direct", 4000)
    wrong = sum(arithmetic.truth(asked) != reply for asked, reply in replies) / len(replies)
    stepped = written("arithmetic.steps", 4000)
    wrong_stepped = sum(arithmetic.truth(asked) != final_answer(reply) for asked, reply in stepped) / len(stepped)
    assert wrong == pytest.approx(wrong_stepped, abs=0.04)


def test_an_item_slips_equally_often_when_judging_and_when_asked_for() -> None:
    said = [
        pair for _, reply in written("judging.solve", 1500) for pair in re.findall(r"(\w+) (\w+) (?:yes|no)", reply)
    ]
    rate, tolerance = slip_rate([judging.KIND_OF[item] == kind for item, kind in said])
    assert rate == pytest.approx(slips.RATE, abs=tolerance)
    wrong = 0
    facts = written("judging.fact", 8000)
    for asked, reply in facts:
        item, kind = re.findall(r"Is (\w+) one of the (\w+)\?", asked)[0]
        wrong += (judging.KIND_OF[item] == kind) != (reply == "Yes")
    # A slip on an item of another kind names the kind that is asked for once in three times only.
    assert wrong / len(facts) == pytest.approx(slips.RATE * (1 / 4 + 3 / 4 / 3), abs=0.012)


def test_a_capital_slips_equally_often_asked_plainly_and_after_attention() -> None:
    for kind in ("plain", "respond"):
        replies = written(f"opinion.{kind}", 6000)
        rate, tolerance = slip_rate([opinion.truth(asked) == reply for asked, reply in replies])
        assert rate == pytest.approx(slips.RATE, abs=tolerance)


def test_sycophancy_and_position_bias_are_what_their_constants_say() -> None:
    said = [(opinion.CITY.findall(asked)[0], reply) for asked, reply in written("opinion.direct", 6000)]
    least = opinion.AGREES
    assert least < sum(city == reply for city, reply in said) / len(said) < least + 0.06
    verdicts = Counter[str]()
    for asked, reply in written("judging.direct", 6000):
        pair = judging.read_question(asked)
        first, second = (judging.good(pair.kind, response) for response in (pair.first, pair.second))
        if 0 < second - first <= judging.CLOSE:
            verdicts[reply] += 1
    share = verdicts["A"] / verdicts.total()
    assert judging.FAVOURS_A < share < judging.FAVOURS_A + 0.08


@pytest.mark.parametrize("seed", [0, 1])
def test_the_corpus_holds_no_held_out_name_and_no_held_out_pattern(seed: int) -> None:
    """The first documents of two seeds; every document draws its names and patterns from `pretraining` alone."""
    held_out = {name for pool in ("train", "dev", "final") for name in names(pool)}
    patterns = set(coin.patterns("dev") + coin.patterns("final"))
    for kind, document in islice(corpus.documents(seed, Settings.documents), DOCUMENTS):
        asked, reply = exchange(document)
        assert not held_out & set(re.findall(r"[A-Za-z]+", f"{asked} {reply}"))
        if kind.startswith("coin.") and "A coin is" in asked:
            question = asked[asked.index("A coin is") :]
            assert coin.read_question(question)[1] not in patterns


def test_held_out_countries_are_never_answered_beside_an_opinion() -> None:
    asked = {opinion.country_of(asked) for asked, _ in written("opinion.direct", 500)}
    assert asked == set(opinion.countries("pretraining"))


def test_the_corpus_is_decided_by_its_seed_and_copies_first() -> None:
    one, again, other = (list(corpus.documents(seed, 300)) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    first = [kind for kind, _ in one[: int(300 * corpus.COPYING_SHARE)]]
    assert set(first) <= set(corpus.COPYING)
    assert {kind for kind, _ in one[int(300 * corpus.COPYING_SHARE) + 1 :]} <= set(corpus.MIX)


def test_every_kind_of_document_is_in_a_mix() -> None:
    assert set(corpus.writers()) == set(corpus.MIX) | set(corpus.COPYING)
