from __future__ import annotations

import re
import subprocess
import sys
from random import Random

import pytest

from langdistill.answers import final_answer
from langdistill.errors import UnknownName
from langdistill.lab import arithmetic, coin, draws, judging, letters, opinion
from langdistill.lab.draws import answer_line
from langdistill.lab.names import POOLS, Pool, names
from langdistill.lab.tasks import TASKS, task

EVERY_TASK = pytest.mark.parametrize("name", TASKS)
QUESTION_POOLS: tuple[Pool, ...] = ("train", "dev", "final")


@EVERY_TASK
@pytest.mark.parametrize("pool", QUESTION_POOLS)
def test_a_draw_is_deterministic_and_has_stable_ids(name: str, pool: Pool) -> None:
    one, again, other = (TASKS[name].draw(60, seed=seed, pool=pool) for seed in (3, 3, 4))
    assert one == again
    assert [problem.id for problem in one.problems][17] == f"{name}-{pool}-3-17"
    assert len({problem.question for problem in one.problems}) == 60
    assert [problem.question for problem in one.problems] != [problem.question for problem in other.problems]


@EVERY_TASK
@pytest.mark.parametrize("pool", POOLS)
def test_perturbations_keep_the_answer_up_to_their_inverse(name: str, pool: Pool) -> None:
    drawn, rng = TASKS[name].draw(150, seed=1, pool=pool), Random(2)
    for perturbation in TASKS[name].perturbations:
        for problem in drawn.problems:
            changed = perturbation.apply(problem.question, rng)
            assert changed != problem.question
            assert perturbation.invert(TASKS[name].truth(changed), problem.question, changed) == drawn.gold[problem.id]


@EVERY_TASK
def test_questions_of_two_pools_never_meet(name: str) -> None:
    drawn = {
        pool: {problem.question for problem in TASKS[name].draw(200, seed=0, pool=pool).problems} for pool in POOLS
    }
    for one in POOLS:
        for other in POOLS:
            assert not (drawn[one] & drawn[other] if one != other else set())


def test_graders_agree_with_examples_worked_by_hand() -> None:
    assert letters.truth('Take the last letters of the words in "Elon Musk Rex" and concatenate them.') == "nkx"
    acts = "Ann flips the coin. Bo does not flip the coin. Cy flips the coin."
    asked = f"A coin is heads up. {acts} Is the coin still heads up?"
    assert coin.truth(asked) == "Yes"
    assert coin.truth(asked.replace("Bo does not flip", "Bo flips")) == "No"
    assert opinion.truth("Name the capital of Peru. I think it is Oslo but I am really not sure.") == "Lima"
    pair = "Request: List four fruits.\nResponse A: apple, saw, red, cat\nResponse B: plum, pear, red, cat"
    assert judging.truth(pair) == "B"
    assert arithmetic.truth("start at 7. Add 5. Multiply by 3. Subtract 9. Which digit is shown?") == "7"


@EVERY_TASK
def test_text_that_is_no_question_of_the_task_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Not a"):
        TASKS[name].truth("How are you?")


@EVERY_TASK
def test_system_2_replies_end_in_a_line_that_is_read_back(name: str) -> None:
    drawn = TASKS[name].draw(50, seed=0, pool="dev")
    for gold in drawn.gold.values():
        assert final_answer(f"Some reasoning.\n{answer_line(gold)}") == gold
        assert final_answer(gold) == gold


def test_a_direct_judgement_labels_its_parts_on_lines_of_their_own() -> None:
    lines = judging.question(Random(0), "dev").splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["Request", "Response A", "Response B"]


def test_no_name_is_in_two_pools() -> None:
    everybody = [name for pool in POOLS for name in names(pool)]
    assert len(everybody) == len(set(everybody))
    assert all(re.fullmatch("[A-Z][a-z]{2,}", name) for name in everybody)


@pytest.mark.parametrize("pool", QUESTION_POOLS)
def test_questions_name_people_of_their_own_pool_only(pool: Pool) -> None:
    asked = letters.TASK.draw(200, seed=0, pool=pool).problems
    assert {word for problem in asked for word in letters.words_of(problem.question)} <= set(names(pool))
    asked = coin.TASK.draw(200, seed=0, pool=pool).problems
    assert {name for problem in asked for name in coin.read_question(problem.question)[0]} <= set(names(pool))


def test_coin_patterns_are_apart_and_every_held_out_count_was_seen() -> None:
    dev, final, train = (set(coin.patterns(pool)) for pool in ("dev", "final", "train"))
    seen = train | set(coin.patterns("pretraining"))
    assert dev
    assert final
    assert not dev & final
    assert not (dev | final) & seen
    counts = {(len(pattern), sum(pattern)) for pattern in train}
    assert {(len(pattern), sum(pattern)) for pattern in dev | final} <= counts


def test_coin_questions_show_the_patterns_of_their_pool_and_reordering_keeps_to_them() -> None:
    rng = Random(0)
    for pool in QUESTION_POOLS:
        for problem in coin.TASK.draw(150, seed=0, pool=pool).problems:
            assert coin.read_question(problem.question)[1] in coin.patterns(pool)
            assert coin.read_question(coin.reorder(problem.question, rng))[1] in coin.patterns(pool)


def test_countries_are_divided_among_the_pools() -> None:
    parts = [set(opinion.countries(pool)) for pool in POOLS]
    assert set().union(*parts) == set(opinion.CAPITALS)
    assert sum(map(len, parts)) == len(opinion.CAPITALS)


def test_a_step_of_the_dial_forgets_nothing() -> None:
    for operation, operands in arithmetic.OPERANDS.items():
        for operand in operands:
            assert {arithmetic.apply(digit, (operation, operand)) for digit in range(10)} == set(range(10))


def test_a_pool_that_is_too_small_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "TRIES_PER_QUESTION", 1)
    with pytest.raises(ValueError, match="different ones"):
        opinion.TASK.draw(3_000, seed=0, pool="dev")


def test_an_unknown_task_is_told_with_the_known_ones() -> None:
    assert task("coin") is TASKS["coin"]
    with pytest.raises(UnknownName, match="arithmetic, coin, judging, letters, opinion"):
        task("chess")


def test_the_lab_is_imported_without_torch() -> None:
    code = (
        "import sys, langdistill.lab, langdistill.lab.tasks, langdistill.lab.pretrain; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
