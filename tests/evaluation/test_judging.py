from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.errors import EvaluationError
from langdistill.evaluation.comparing import compare
from langdistill.evaluation.judging import JudgeEvaluation, evaluate_judge, human_verdict
from langdistill.intervals import wilson
from langdistill.lab import lab_model
from langdistill.lab.tasks import task
from langdistill.perturbations.swapped import swapped
from langdistill.records import Problem
from langdistill.strategies.branch_solve_merge import create_branch_solve_merge
from langdistill.testing.models import ScriptedChatModel

Judge = Callable[[str, str], str]
"""From what it is shown first and second to what it says."""


def pair(at: int, first: str, second: str) -> Problem:
    return Problem(id=f"pair-{at}", question=f"Which is better?\nResponse A: {first}\nResponse B: {second}")


PAIRS = [pair(0, "long one", "x"), pair(1, "x", "long one"), pair(2, "x", "y"), pair(3, "long two", "long one")]
HUMAN = {"pair-0": "A", "pair-1": "B", "pair-2": "tie", "pair-3": "B"}


def judged(judge: Judge, **knobs: Any) -> JudgeEvaluation:
    def says(conversation: list[BaseMessage], at: int) -> str:
        lines = conversation[-1].text.splitlines()
        return judge(lines[1].removeprefix("Response A: "), lines[2].removeprefix("Response B: "))

    return evaluate_judge(ScriptedChatModel(script=says), PAIRS, HUMAN, **knobs)


def longer(first: str, second: str) -> str:
    return "[[A]]" if len(first) > len(second) else "[[B]]" if len(second) > len(first) else "[[C]]"


def test_a_judge_that_the_order_does_not_move() -> None:
    found = judged(longer)
    assert [one.verdict for one in found.pairs.values()] == ["A", "B", "tie", "tie"]
    assert found.agreement == (0.75, *wilson(3, 4))
    assert found.agreement_without_ties == (1, *wilson(2, 2))
    assert found.inconsistent == (0, *wilson(0, 4))
    assert found.unread == []


def test_a_judge_that_always_prefers_the_first_place() -> None:
    found = judged(lambda first, second: "Verdict: A")
    assert {one.verdict for one in found.pairs.values()} == {"tie"}
    assert (found.agreement.value, found.inconsistent.value) == (0.25, 1)
    assert (found.prefers_first.value, found.prefers_second.value) == (1, 0)
    assert found.shown.accuracy == 0.25
    assert judged(lambda first, second: "Verdict: B").prefers_second.value == 1


def test_a_pair_of_which_one_order_cannot_be_read_is_not_counted() -> None:
    found = judged(lambda first, second: "well, well" if first == "y" else longer(first, second))
    assert found.unread == ["pair-2"]
    assert found.agreement == (2 / 3, *wilson(2, 3))
    assert found.inconsistent == (0, *wilson(0, 3))
    assert (found.evaluation.n, found.evaluation.right) == (4, 2)
    nobody = judged(lambda first, second: "well, well")
    assert nobody.agreement == (0, 0, 1)


def test_categories_and_two_judges_beside_one_another() -> None:
    categories = {"pair-0": "short", "pair-1": "short", "pair-2": "short", "pair-3": "long"}
    good, bad = judged(longer, categories=categories), judged(lambda first, second: "[[A]]", categories=categories)
    assert {name: one.agreement.value for name, one in good.categories.items()} == {"long": 0, "short": 1}
    against = compare(bad.evaluation, good.evaluation)
    assert (against.lost, against.gained) == ((), ("pair-0", "pair-1"))
    assert against.categories["long"].difference == 0
    assert good.evaluation.completions == 8


def test_people_are_asked_for_a_verdict() -> None:
    assert human_verdict(["A", "B", "A"], "x") == "A"
    assert human_verdict(["A", "B"], "x") == "tie"
    assert human_verdict(["tie", "B", "A", "tie"], "x") == "tie"
    for none in (None, [], "C", ["A", "better"]):
        with pytest.raises(EvaluationError, match="People's verdict on 'x'"):
            human_verdict(none, "x")
    with pytest.raises(EvaluationError, match="pair-3"):
        evaluate_judge(ScriptedChatModel(script=lambda m, at: "A"), PAIRS, dict.fromkeys(list(HUMAN)[:3], "A"))


def test_a_judge_in_a_folder_is_not_asked_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def noted(first: str, second: str) -> str:
        asked.append(first)
        return longer(first, second)

    one, other = judged(noted, folder=tmp_path / "run"), judged(noted, folder=tmp_path / "run")
    assert one == other
    assert len(asked) == 6  # two of the pairs are one another's other order, and share a cache
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["replies.db", "shown", "turned"]


def test_judgements_of_gpt_4_that_were_recorded_in_both_orders(data: Path) -> None:
    lines = (data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    said = {row[f"{game}_user_prompt"]: row[f"{game}_judgment"] for row in rows for game in ("g1", "g2")}
    problems = [Problem(id=str(at), question=row["g1_user_prompt"]) for at, row in enumerate(rows)]
    winner = {"model_1": "A", "model_2": "B", "tie": "tie"}
    replay = ScriptedChatModel(script=lambda conversation, at: said[conversation[-1].text])
    # The recorded winners of both games are what FastChat read itself. "People" are its winner of the first game here.
    found = evaluate_judge(replay, problems, {str(at): winner[row["g1_winner"]] for at, row in enumerate(rows)})
    assert [one.shown for one in found.pairs.values()] == [winner[row["g1_winner"]] for row in rows]
    assert [one.turned for one in found.pairs.values()] == [winner[row["g2_winner"]] for row in rows]
    assert found.shown.accuracy == 1
    assert found.inconsistent == (0.3, *wilson(3, 10))
    assert found.agreement == (0.8, *wilson(8, 10))
    assert found.prefers_first == (0.1, *wilson(1, 10))


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_branch_solve_merge_undoes_the_position_bias_of_the_lab_model() -> None:
    draw = task("judging").draw(24, seed=3, pool="dev")
    twins = swapped().problems(draw.problems)
    at_once = evaluate_judge(lab_model(max_tokens=160), [*draw.problems, *twins], draw.gold)
    merged = evaluate_judge(create_branch_solve_merge(lab_model(max_tokens=160)), draw.problems, draw.gold)
    assert at_once.prefers_first.value > at_once.prefers_second.value
    assert merged.inconsistent.value < at_once.inconsistent.value
    assert merged.agreement.value > at_once.agreement.value
