from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.answers import normalise, verdict
from langdistill.budgets import BudgetSpent, budget
from langdistill.errors import AnswerError, PromptError
from langdistill.lab.tasks import TASKS
from langdistill.perturbations.case_and_space import case_and_space
from langdistill.perturbations.irrelevant_sentence import SENTENCES, irrelevant_sentence
from langdistill.perturbations.reworded import reworded
from langdistill.perturbations.swapped import swap_back, swapped
from langdistill.records import Problem
from langdistill.replies import caching
from langdistill.testing.models import OneReplyChatModel

PAIR = "Which is better?\nResponse A: short\nResponse B:\nlong\nand longer"


def test_a_real_judge_prompt_is_swapped_as_its_authors_swapped_it(data: Path) -> None:
    """FastChat's ten judged pairs hold both orders, written by FastChat."""
    lines = (data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [swapped().apply(row["g1_user_prompt"], Random(0)) == row["g2_user_prompt"] for row in rows] == [True] * 10


def test_named_responses_are_swapped_and_swapping_twice_is_nothing() -> None:
    changed = swapped().apply(PAIR, Random(0))
    assert changed == "Which is better?\nResponse A: long\nand longer\nResponse B:\nshort"
    task = TASKS["judging"]
    drawn = task.draw(100, seed=0, pool="dev")
    for problem in drawn.problems:
        changed = swapped().apply(problem.question, Random(0))
        assert swap_back(task.truth(changed), problem.question, changed) == drawn.gold[problem.id]
        assert swapped().apply(changed, Random(0)) == problem.question


def test_a_pattern_of_ones_own() -> None:
    family = swapped(r"<(?P<a>.*?)> or <(?P<b>.*?)>")
    assert family.apply("Is it <x> or <y>? Say which.", Random(0)) == "Is it <y> or <x>? Say which."
    with pytest.raises(PromptError, match="groups named a and b"):
        swapped(r"<(.*?)> or <(.*?)>")
    with pytest.raises(AnswerError, match="No two responses"):
        family.apply("Is it x or y?", Random(0))


@pytest.mark.parametrize(
    ("answer", "back"),
    [
        ("A", "B"),
        ("b", "a"),
        (" B. ", "A."),
        ("[[A]]", "[[B]]"),
        ("Assistant 2", "Assistant 1"),
        ("response A", "response B"),
        ("Assistant A is better", "Assistant B is better"),
        ("A>B", "B>A"),
        ("Response 1 is better", "B"),
        ("tie", "tie"),
        ("[[C]]", "[[C]]"),
        ("no idea", "no idea"),
    ],
)
def test_a_verdict_is_turned_round(answer: str, back: str) -> None:
    assert swap_back(answer, "", "") == back
    assert verdict(swap_back(swap_back(answer, "", ""), "", "")) == verdict(answer)


def test_the_irrelevant_sentence_stands_before_what_is_asked() -> None:
    family = irrelevant_sentence(["It rains."])
    assert family.apply("Tom has 3 pens. He buys 2. How many now?", Random(0)) == (
        "Tom has 3 pens. He buys 2. It rains. How many now?"
    )
    assert family.apply("Add 2 and 3.", Random(0)) == "It rains. Add 2 and 3."
    assert family.apply("Today is Monday.\nWhich?\n(A) who?\n(B) what?", Random(0)) == (
        "Today is Monday.\nIt rains. Which?\n(A) who?\n(B) what?"
    )
    with pytest.raises(PromptError, match="at least one"):
        irrelevant_sentence([])


def test_the_irrelevant_sentence_in_every_real_question(data: Path) -> None:
    lines = (data / "gsm8k/test.jsonl").read_text().splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    seen: set[str] = set()
    for at, question in enumerate(questions):
        changed = irrelevant_sentence().problem(Problem(id=str(at), question=question)).question
        [sentence] = [one for one in SENTENCES if one in changed and one not in question]
        assert changed.replace(f"{sentence} ", "", 1) == question
        seen.add(sentence)
    assert (len(questions), seen) == (1319, set(SENTENCES))


@given(st.text(min_size=1, max_size=200), st.integers())
@settings(deadline=None)
def test_case_and_space_change_nothing_else(question: str, seed: int) -> None:
    try:
        changed = case_and_space().apply(question, Random(seed))
    except AnswerError:
        return
    assert changed != question
    assert _folded(changed) == _folded(question)


def _folded(text: str) -> str:
    return text.upper().casefold().upper().replace(" ", "")


def test_formulas_code_and_option_letters_keep_their_case() -> None:
    question = r"If $\frac{Ab}{C}$ is in file Read_Me.txt, is the answer (A) Yes or (B) No?"
    for seed in range(30):
        changed = case_and_space().apply(question, Random(seed))
        for kept in (r"$\frac{Ab}{C}$", "Read_Me.txt", "(A)", "(B)"):
            assert kept in changed
        assert normalise(changed) == normalise(question)
    with pytest.raises(AnswerError, match="no words"):
        case_and_space().apply("1+1", Random(0))


def test_rewording_by_a_function() -> None:
    family = reworded(lambda question, rng: f"{rng.choice(['Please', 'Now'])}: {question}")
    assert family.problem(Problem(id="a", question="Why?")).question in {"Please: Why?", "Now: Why?"}


def test_rewording_by_a_model_leaves_out_what_it_did_not_reword(tmp_path: Path) -> None:
    told = {"Why?": "For which reason?", "How?": "How?", "Who?": " "}
    model = OneReplyChatModel(script=lambda messages, number: told[messages[-1].text.rpartition("\n")[2]])
    family = reworded(model, max_concurrency=2)
    problems = [Problem(id=str(at), question=question) for at, question in enumerate(told)]
    with caching(tmp_path / "replies.db"):
        assert [one.question for one in family.problems(problems)] == ["For which reason?"]
        assert family.problem(problems[0]).question == "For which reason?"
        with pytest.raises(AnswerError, match="did not reword"):
            family.problem(problems[1])
    assert len(model.prompts) == 3, "the cache answered what was asked before"
    with budget(completions=2), pytest.raises(BudgetSpent, match=r"completions 2 of 2.*reworded"):
        family.problems(problems)
    with pytest.raises(PromptError):
        reworded(model, prompt="Reword.")


def test_an_empty_response_and_labels_of_another_kind() -> None:
    assert swapped().apply("Response A:\n\nResponse B: y", Random(0)) == "Response A:\ny\nResponse B: "
    assert swapped().apply("Answer 1: x\nAnswer 2: y", Random(0)) == "Answer 1: y\nAnswer 2: x"
    for question in ("Response A: x\nAnswer B: y", "Response B: x\nResponse A: y", "Response A: x\nResponse 2: y"):
        with pytest.raises(AnswerError, match="No two responses"):
            swapped().apply(question, Random(0))
