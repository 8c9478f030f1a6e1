from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from langdistill.similarity.first_seen import FirstSeen
from langdistill.similarity.minhash import bands, shingles, signature
from langdistill.similarity.near_index import Alike, NearIndex, by_jaccard, by_rouge_l
from langdistill.similarity.pool_index import PoolIndex
from langdistill.similarity.rouge_l import any_script


def test_equal_hashes_come_in_the_share_of_the_union() -> None:
    """The mean over 200 pairs of sets is the Jaccard similarity to within 0.02, for sets smaller and larger than the bins."""
    dice = Random(1)
    for size, shared in [(20, 10), (40, 30), (200, 100), (500, 100)]:
        jaccard = shared / (2 * size - shared)
        found = 0.0
        for _ in range(200):
            one = [dice.getrandbits(64) for _ in range(size)]
            other = one[:shared] + [dice.getrandbits(64) for _ in range(size - shared)]
            pairs = zip(signature(one, 64), signature(other, 64), strict=True)
            found += sum(a == b for a, b in pairs) / 64 / 200
        assert found == pytest.approx(jaccard, abs=0.02)


def test_a_signature_is_that_of_the_set() -> None:
    assert signature([5, 900, 77, 5], 8) == signature([77, 5, 900], 8)
    assert len(signature([3], 64)) == 64
    assert len(bands(signature([3], 64), 2)) == 32


def test_shingles() -> None:
    a, b, c = shingles(["a", "b", "c"], 1)
    assert len({a, b, c}) == 3
    assert len(shingles(["a", "b", "c"], 2)) == 2
    assert shingles(["a", "b"], 2) != shingles(["b", "a"], 2)
    assert len(shingles(["a", "b"], 5)) == len(shingles(["a"], 5)) == 1
    assert shingles([], 2) == []


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "from langdistill.similarity.minhash import *; print(bands(signature(shingles('a b c d'.split(), 2), 64), 2))"
    )
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert said == {f"{bands(signature(shingles(['a', 'b', 'c', 'd'], 2), 64), 2)}\n"}


def test_how_many_near_duplicates_of_real_data_are_found(data: Path) -> None:
    """SVAMP's questions are variants of one another, GSM8K's hard version has other numbers: 99.5 % of the pairs and more."""
    svamp = [f"{row['Body']} {row['Question']}" for row in json.loads((data / "svamp" / "SVAMP.json").read_text())]
    hard = [row["problem"] for row in json.loads((data / "rstar_data" / "GSM8KHARD_test_all.json").read_text())]
    gsm8k = [json.loads(line)["question"] for line in (data / "gsm8k" / "test.jsonl").read_text().splitlines()]
    missed = there = 0
    for known, asked in [(svamp[::2], svamp[1::2]), (gsm8k, hard)]:
        exact = PoolIndex(known, tokens=any_script)
        with NearIndex(by_rouge_l(0.7)) as index:
            for at, text in enumerate(known):
                index.add(any_script(text), str(at))
            for text in asked:
                near, found = exact.nearest(text), index.alike(any_script(text))
                there += near is not None
                missed += near is not None and found is None
                assert found is None or (near is not None and found.score <= near.score)
    assert there > 1500
    assert missed <= 0.005 * there


def test_by_jaccard() -> None:
    text = [f"w{at}" for at in range(50)]
    changed = [*text[:47], "x", "y", "z"]
    with NearIndex(by_jaccard(0.8)) as index:
        index.add(text, "first")
        assert index.alike(changed) == Alike("first", 43 / 49)
        assert index.alike(text[:30]) is None
        assert index.alike_or_add(text[:30], "second") is None
        assert index.alike_or_add(text[:30], "third") == Alike("second", 1.0)


def test_the_most_similar_is_told_and_the_limit_is_alike() -> None:
    with NearIndex(by_rouge_l(0.7)) as index:
        index.add(["a", "b", "c", "d", "e", "f", "g", "x", "y", "z"], "limit")
        assert index.alike(["a", "b", "c", "d", "e", "f", "g", "p", "q", "r"]) == Alike("limit", 0.7)
        index.add(["a", "b", "c", "d", "e", "f", "g", "p", "q", "s"], "nearer")
        assert index.alike(["a", "b", "c", "d", "e", "f", "g", "p", "q", "r"]) == Alike("nearer", 0.9)


def test_texts_that_are_no_unicode_can_be_kept() -> None:
    with NearIndex(by_rouge_l(0.7)) as index, FirstSeen() as seen:
        index.add(["蘋", "é", "🙂"], "p\n'")
        assert index.alike(["蘋", "é", "🙂"]) == Alike("p\n'", 1.0)
        assert seen.shown(b"\x00\xff", "p'") is None
        assert seen.shown(b"\x00\xff", "q") == "p'"
        assert seen.shown(b"", "q") is None
