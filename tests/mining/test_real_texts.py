"""The surface rules and novelty on what people wrote: 175 seeds and 252 user-oriented instructions (Wang et al., 2212.10560).

No share of these two files that passes is published; the counts are our own, found once by comparing every pair.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from langdistill.mining.generating import Writing
from langdistill.mining.instructions import seeds_of
from langdistill.mining.pools import InstructionPools
from langdistill.mining.validity import flaw
from langdistill.similarity.pool_index import PoolIndex
from langdistill.similarity.rouge_l import legible, rouge_l, words
from tests.mining.scripted import World, graded, judged, model

SEEDS, USERS = "seed_tasks.jsonl", "user_oriented_instructions.jsonl"


def texts(data: Path, name: str) -> list[str]:
    lines = (data / "self_instruct" / name).read_text().splitlines()
    return [json.loads(line)["instruction"].strip() for line in lines]


@pytest.mark.parametrize(
    ("name", "rows", "flaws"),
    [(SEEDS, 175, {"too-short": 2}), (USERS, 252, {"speaks-of-itself": 2, "too-short": 1})],
)
def test_how_many_break_a_surface_rule(data: Path, name: str, rows: int, flaws: dict[str, int]) -> None:
    found = texts(data, name)
    assert len(found) == rows
    reasons = Counter(map(flaw, found))
    assert reasons.pop(None) == rows - sum(flaws.values())
    assert reasons == flaws
    assert all(legible(text, words(text)) for text in found)


@pytest.mark.parametrize(
    ("name", "near"),
    [(SEEDS, {(47, 74), (77, 113)}), (USERS, {(2, 240), (32, 107), (32, 121), (89, 124)})],
)
def test_how_many_pairs_reach_a_rouge_l_of_07(data: Path, name: str, near: set[tuple[int, int]]) -> None:
    found = texts(data, name)
    scores = {(a, b): rouge_l(found[a], found[b]) for a, b in combinations(range(len(found)), 2)}
    assert {pair for pair, score in scores.items() if score >= 0.7} == near
    for b in range(len(found)):
        nearest = PoolIndex(found[:b]).nearest(found[b])
        before = [scores[a, b] for a in range(b)]
        best = max(before, default=0.0)
        assert (nearest.at, nearest.score) == (before.index(best), best) if nearest else best < 0.7


def test_how_many_user_instructions_are_near_a_seed(data: Path) -> None:
    seeds, users = texts(data, SEEDS), texts(data, USERS)
    near = {(a, b) for a, seed in enumerate(seeds) for b, user in enumerate(users) if rouge_l(seed, user) >= 0.7}
    assert near == {(47, 32), (48, 89), (48, 124), (74, 32)}
    index = PoolIndex(seeds)
    assert [at for at, user in enumerate(users) if index.nearest(user)] == [32, 89, 124]


def test_a_round_over_the_seeds_takes_what_people_wrote(data: Path, tmp_path: Path) -> None:
    """The generator says the user-oriented instructions in turn: 245 are taken, the others go for the reasons counted above.

    Three break a surface rule, three are near a seed, and of those that are left one is near an earlier one.
    """
    left = iter(texts(data, USERS))
    world = World(
        teacher=model("teacher", lambda prompt: "teacher"),
        student=model("student", lambda prompt: "student"),
        referee=model("referee", lambda prompt: graded(9, 5) if judged(prompt)["a"] == "teacher" else graded(5, 9)),
        generator=model("generator", lambda prompt: next(left)),
    )
    rows = [json.loads(line) for line in (data / "self_instruct" / SEEDS).read_text().splitlines()]
    seeds = [{"instruction": row["instruction"], "input": row["instances"][0]["input"]} for row in rows]
    assert len(seeds_of(seeds).instructions) == 175
    with InstructionPools(tmp_path) as pools:
        miner = world.miner(pools, rounds=1, writing=Writing(per_round=245, share_hard=1.0))
        report = miner.invoke({"seeds": pools.add(seeds)}, {"max_concurrency": 1})["rounds"][0]
    assert (report["judged"], report["hard"]) == (175, 175)
    assert report["accepted"] == {"hard": 245, "easy": 0}
    assert report["rejected"] == {"not-novel": 4, "speaks-of-itself": 2, "too-short": 1}
