from __future__ import annotations

from collections import Counter
from itertools import combinations
from operator import add, mul, sub
from random import Random

import pytest

from langdistill.lab.names import POOLS
from langdistill.lab.skills.world import DOMAINS, OPERATIONS, STEPS, Cell, Request, SkillWorld, request_in, requests_in
from langdistill.mining.validity import flaw
from langdistill.similarity.rouge_l import rouge_l

WORLD = SkillWorld(7)
CELL = Cell("Peru", "saw")
SAWN = Request(CELL, ("gray lemon", "red goat", "blue cat"), (3, 7, 1))


def test_an_instruction_reads_as_it_was_written() -> None:
    assert SAWN.text == "Use the saw of Peru on gray lemon 3, red goat 7 and blue cat 1."
    assert request_in(f"Write one like this:\n{SAWN.text}\nNo more.") == SAWN
    drawn = WORLD.questions(20, "train")
    assert [request_in(one.text) for one in drawn] == drawn


def test_a_text_without_an_instruction_or_with_two_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        request_in("Use the saw of France on gray lemon 3 and red goat 7.")
    with pytest.raises(ValueError, match="not 2"):
        request_in(f"{SAWN.text} {SAWN.text}")
    assert list(requests_in("Use the saw.")) == []


def test_the_answer_works_every_number_with_the_step_of_the_cell() -> None:
    said = {"Add": ("plus", add), "Subtract": ("minus", sub), "Multiply by": ("times", mul)}
    for seed in range(20):
        operation, operand = SkillWorld(seed).steps[CELL]
        word, work = said[operation]
        lines = [f"{number} {word} {operand} is {work(number, operand) % 10}." for number in SAWN.numbers]
        assert SkillWorld(seed).answer(SAWN) == "\n".join(lines)
    assert {SkillWorld(seed).steps[CELL][0] for seed in range(20)} == set(said)


def test_a_response_is_right_by_its_results_alone_and_in_their_order() -> None:
    answer = WORLD.answer(SAWN)
    results = [line[-2] for line in answer.splitlines()]
    assert WORLD.is_right(SAWN, answer)
    assert WORLD.is_right(SAWN, " ".join(f"It is {result}!" for result in results))
    assert not WORLD.is_right(SAWN, answer + "\n1 plus 1 is 2.")
    assert not WORLD.is_right(SAWN, answer.splitlines()[0])
    assert not WORLD.is_right(SAWN, "")


def test_no_country_and_no_tool_tells_what_a_cell_does() -> None:
    for seed in range(8):
        steps = SkillWorld(seed).steps
        assert len(steps) == len(DOMAINS) * len(OPERATIONS) == 24
        for domain in DOMAINS:
            assert len({steps[Cell(domain, operation)] for operation in OPERATIONS}) == len(OPERATIONS)
        for operation in OPERATIONS:
            assert len({steps[Cell(domain, operation)] for domain in DOMAINS}) == len(DOMAINS)
    assert len(set(STEPS)) == 21


def test_worlds_differ_and_one_is_always_the_same() -> None:
    assert SkillWorld(3).steps == SkillWorld(3).steps != SkillWorld(4).steps
    assert SkillWorld(3).seeds(50) == SkillWorld(3).seeds(50) != SkillWorld(3).seeds(50, "dev")


def test_seeds_are_asked_for_by_zipfs_law() -> None:
    counts = Counter(WORLD.ranks[one.cell] for one in WORLD.seeds(3000))
    shares = [rank**-2 for rank in (1, 2, 3, 4)]
    for rank, share in enumerate(shares, 1):
        assert counts[rank] / 3000 == pytest.approx(share / sum(shares), abs=0.03)
    seeds = WORLD.seeds(520)
    assert len(set(seeds)) == 520


def test_pools_never_share_things_and_numbers() -> None:
    drawn = {pool: {(one.things, one.numbers) for one in WORLD.questions(100, pool)} for pool in POOLS}
    for one, other in combinations(POOLS, 2):
        assert not drawn[one] & drawn[other]


def test_instructions_of_a_cell_are_novel_to_each_other() -> None:
    """The miner drops what reaches 0.7: that must stay the exception, or a cell would be used up."""
    rng = Random(0)
    texts = [WORLD.draw(rng, CELL, "train").text for _ in range(80)]
    found = [rouge_l(one, other) for one, other in combinations(texts, 2)]
    assert sum(score >= 0.7 for score in found) / len(found) < 0.01
    assert not any(map(flaw, texts))
