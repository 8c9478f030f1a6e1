"""What is kept in the folder of a run, and what it cost."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from langdistill.budgets import Price
from langdistill.errors import MiningError
from langdistill.mining.instructions import instruction
from langdistill.mining.ledger import Account, cost, ledger
from langdistill.mining.pools import Answer, InstructionPools, Judgement, Try
from tests.mining.scripted import topic


def test_what_is_kept_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    answer = Answer("a", "gpt-1", "teacher", "yes", 3, None)
    judged = [Judgement("a", "p", swapped, 0, 9.0, 6.5, 10, 2) for swapped in (False, True)]
    unread = Judgement("a", "p", False, 1, None, None, None, None)
    tried = Try(1, "hard", 0, "a", "text", "too-short", 1, 5, 6)
    with InstructionPools(tmp_path / "deep" / "runs") as pools:
        ids = pools.add([topic(1), topic(0)])
        pools.put_answers([answer])
        pools.put_judgements([*judged, unread])
        pools.put_tries([tried])
        pools.finish("stage", {"hard": ["a"]})
    with InstructionPools(tmp_path / "deep" / "runs") as pools:
        assert [one.text for one in pools.instructions(ids)] == [topic(1), topic(0)]
        assert pools.instructions(ids[::-1])[0].text == topic(0), "in the order asked for"
        assert pools.answers(["a", "b"], "gpt-1") == {"a": "yes"}
        assert pools.answers(["a"], "gpt-2") == {}
        assert pools.judgements(["a"], "p") == [judged[0], unread, judged[1]]
        assert judged[0].difference == 2.5
        assert pools.tries(1) == [tried]
        assert pools.tries(2) == []
        assert (pools.finished("stage"), pools.finished("other")) == ({"hard": ["a"]}, None)
        pools.forget_tries(1)
        assert pools.tries(1) == []


def test_an_instruction_that_is_known_stays_as_it_is(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools:
        [id] = pools.add([topic(0)])
        pools.put([instruction(topic(0), source="hard", round=3)])
        assert pools.instructions([id])[0].source == "seed"


def test_very_many_ids(tmp_path: Path) -> None:
    """More than SQLite takes values in one statement."""
    with InstructionPools(tmp_path) as pools:
        ids = pools.add(topic(at) for at in range(1201))
        pools.put_answers(Answer(id, "m", "teacher", "x", None, None) for id in ids)
        assert [one.id for one in pools.instructions(ids)] == ids
        assert set(pools.answers(ids, "m")) == set(ids)
        assert len(ids) == 1201


def test_threads_share_it(tmp_path: Path) -> None:
    def put(at: int) -> int:
        pools.put_answers(Answer(f"{at}-{n}", "m", "teacher", "x", None, None) for n in range(20))
        return len(pools.answers([f"{at}-{n}" for n in range(20)], "m"))

    with InstructionPools(tmp_path) as pools, ThreadPoolExecutor(16) as threads:
        assert list(threads.map(put, range(100))) == [20] * 100


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools:
        bad = Answer("b", "m", "teacher", None, None, None)  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            pools.put_answers([Answer("a", "m", "teacher", "x", None, None), bad])
        assert pools.answers(["a", "b"], "m") == {}
        pools.put_answers([Answer("a", "m", "teacher", "x", None, None)])
        assert pools.answers(["a"], "m") == {"a": "x"}


def test_a_folder_of_another_version(tmp_path: Path) -> None:
    InstructionPools(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "pools.db")) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(MiningError, match=r"is of another kind or version \(9, expected 1\)"):
        InstructionPools(tmp_path)


def test_what_it_cost(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools:
        assert ledger(pools) == dict.fromkeys(["teacher", "student", "referee", "generator"], Account())
        pools.put_answers(Answer(id, "m", role, "x", 1000, 100) for id, role in (("a", "teacher"), ("b", "teacher")))
        pools.put_answers([Answer("a", "n", "student", "x", None, None)])
        pools.put_tries([Try(1, "hard", 0, "a", "x", None, 1, 10, 90), Try(1, "hard", 1, "a", "y", "cut", 0, 0, 0)])
        found = ledger(pools)
    assert found["teacher"] == Account(calls=2, input_tokens=2000, output_tokens=200)
    assert found["student"] == Account(calls=1)
    assert found["generator"] == Account(calls=1, input_tokens=10, output_tokens=90), "one reply that held two texts"
    prices = {"teacher": Price(2.0, 8.0), "generator": (1, 1)}
    assert cost(found, prices) == {"teacher": (2000 * 2 + 200 * 8) / 1e6, "generator": 100 / 1e6}  # type: ignore[arg-type]
