from __future__ import annotations

import pytest

from langdistill.answers import final_answer, same
from langdistill.lab.arithmetic import TASK, ask, truth
from langdistill.lab.refining.lessons import IN_ONE_REPLY, check, in_one_reply, refinement, sub_questions, worked
from langdistill.prompts import fill
from langdistill.records import Trace
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.trained import trained
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.testing.models import OneReplyChatModel

CHAIN = ask(5, [("Subtract", 6), ("Multiply by", 7), ("Add", 4)])
QUESTIONS = ["5 minus 6 is 9?", "9 times 7 is 3?", "3 plus 4 is which digit?"]
RIGHT = '5 minus 6 is 9.\n9 times 7 is 3.\n3 plus 4 is 7.\nAnswer: "7"'
MANY = [one.question for one in TASK.draw(400, seed=1, pool="train").problems]


def said(lesson: Trace) -> str:
    return str(lesson.output[0]["content"])


def test_sub_questions_hold_the_right_digits_and_leave_the_last_open() -> None:
    assert sub_questions(CHAIN) == QUESTIONS
    assert truth(CHAIN) == "7"


@pytest.mark.parametrize(
    ("first", "lines"),
    [
        (RIGHT, ["3 plus 4 is 7.", "7 minus 7 is 0."]),
        ('9 plus 4 is 3.\nAnswer: "9"', ["3 plus 4 is 7.", "7 minus 9 is 8."]),
        ("I am lost.\nI give up.", ["3 plus 4 is 7."]),
        ('Answer: "12"', ["3 plus 4 is 7."]),
    ],
)
def test_the_check_works_out_the_last_step_and_subtracts_the_first_answer(first: str, lines: list[str]) -> None:
    assert check(CHAIN, first) == lines
    assert not any(line.endswith("?") for line in lines)  # no sub-question: the refinement is not told


def test_a_refinement_is_the_chain_worked_right() -> None:
    assert worked(CHAIN) == RIGHT
    assert all(same(final_answer(worked(one)), truth(one)) for one in MANY)


def test_what_is_taught_is_what_the_graph_asks() -> None:
    first = 'Answer: "3"'
    asker = OneReplyChatModel(script=lambda messages, number: "\n".join([*QUESTIONS, "Refine: yes"]))
    model = OneReplyChatModel(script=lambda messages, number: [first, RIGHT][number])
    graph = create_ask_refine_trust(model, asker=trained(asker), truster=most_recent())
    graph.invoke({"messages": [("user", CHAIN)]})
    lesson = refinement("p", CHAIN, first, asked=True)
    assert [one["content"] for one in lesson.input] == [model.prompts[1][-1].text]
    assert said(lesson) == RIGHT
    assert "sub-questions" not in str(refinement("p", CHAIN, first, asked=False).input)


def test_one_reply_ends_in_the_refinement_where_the_first_answer_is_wrong() -> None:
    kept = in_one_reply("p", CHAIN, RIGHT, right=True)
    assert said(kept) == "\n".join([RIGHT, *QUESTIONS, "3 plus 4 is 7.", "7 minus 7 is 0.", "Refine: no"])
    mended = in_one_reply("p", CHAIN, 'Answer: "3"', right=False)
    assert said(mended) == "\n".join(
        ['Answer: "3"', *QUESTIONS, "3 plus 4 is 7.", "7 minus 3 is 4.", "Refine: yes", RIGHT]
    )
    assert [final_answer(said(one)) for one in (kept, mended)] == ["7", "7"]
    assert kept.input[0]["content"] == fill(IN_ONE_REPLY, question=CHAIN)
    assert kept.problem == "p"
    assert kept.id != mended.id
