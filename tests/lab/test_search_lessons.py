from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from langchain_core.messages import BaseMessage

from langdistill.answers import final_answer, outlook
from langdistill.lab.arithmetic import TASK, ask, read_question, truth
from langdistill.lab.search import lessons as taught
from langdistill.lab.search.arms import DEEP, Branch, Models, Outcome, Search, Vote, samples_at, voted
from langdistill.lab.search.comparing import Cost
from langdistill.lab.search.lessons import LESSONS, lessons
from langdistill.lab.search.loop import SearchLoop, Settings
from langdistill.lab.search.reading import AGAIN, CHECK, NEXT, TAKE, shown
from langdistill.lab.tokenizer import CONTEXT
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.search.actions import ACTIONS, so_far_told
from langdistill.search.evaluators.value import PROMPT as VALUE
from langdistill.search.mutual_reasoning import COMPLETE
from langdistill.strategies.rephrase_and_respond import REPHRASE
from langdistill.testing.models import OneReplyChatModel

STEPS = [("Subtract", 6), ("Multiply by", 7), ("Add", 4)]
CHAIN = ask(5, STEPS)
MANY = [one.question for one in TASK.draw(60, seed=1, pool="train").problems]
BY_ID = {one.id: one for one in ACTIONS}


def right_replies(question: str) -> Mapping[str, str]:
    """What is shown on any way on which nothing slips, and the right reply, by what the lessons are made of."""
    digit, steps = read_question(question)
    found = {fill(REPHRASE, question=question): taught.rephrased(question)}
    for at in range(len(steps)):
        left, begun = ask(digit, steps[at:]), ask(read_question(question)[0], steps[: at + 1])
        asked, given = taught.sub_question(left), int(taught.worked(begun)[1])
        found |= {
            fill(TAKE, question=left): taught.thought(left),
            fill(NEXT, question=left): asked,
            fill(STEP_BY_STEP, question=left): "\n".join(
                [taught.worked(left)[0], f'Answer: "{taught.worked(left)[1]}"']
            ),
            fill(STEP_BY_STEP, question=asked): taught.answered(left),
            fill(AGAIN, question=asked): f"Again:\n{taught.answered(left)}",
            fill(CHECK, question=begun, digit=str(given)): taught.checked(begun, given),
        }
        digit = int(taught.worked(ask(digit, steps[at : at + 1]))[1])
    return found


def pupil(question: str, wrong: str = "", model: str = "generator") -> OneReplyChatModel:
    """Says what was taught, and fails on what was not; to one prompt it gives a wrong answer."""
    replies = right_replies(question)

    def said(messages: list[BaseMessage], number: int) -> str:
        prompt = messages[-1].text
        return 'Answer: "0"' if prompt == wrong else replies[shown(prompt)]

    return OneReplyChatModel(script=said, model=model)


@pytest.mark.parametrize(
    ("action", "so_far", "left", "request_"),
    [
        ("A1", [], CHAIN, TAKE),
        ("A1", ["5 minus 6 is 9."], ask(9, STEPS[1:]), TAKE),
        ("A2", ["5 minus 6 is 8."], ask(8, STEPS[1:]), STEP_BY_STEP),  # a slip is carried on
        ("A3", ['What is 5 minus 6 on the dial?\n5 minus 6 is 9.\nAnswer: "9"', "9 times 7 is 3."], ask(3, STEPS[2:]), NEXT),
        ("A3", ['What is 5 minus 6 on the dial?\n5 minus 6 is 8.\nAnswer: "8"', 'Again:\n5 minus 6 is 9.\nAnswer: "9"'], ask(9, STEPS[1:]), NEXT),
        ("A4", ['What is 5 minus 6 on the dial?\n5 minus 6 is 8.\nAnswer: "8"'], "What is 5 minus 6 on the dial?", AGAIN),
        ("A2", ["Begin at 5, then minus 6, then plus 4. Which digit is the last result?"], ask(5, [STEPS[0], STEPS[2]]), STEP_BY_STEP),
        ("A2", ["Well, let me see."], CHAIN, STEP_BY_STEP),
        ("A5", [], CHAIN, REPHRASE),
    ],
)  # fmt: skip
def test_what_the_model_reads_in_place_of_an_actions_prompt(
    action: str, so_far: list[str], left: str, request_: str
) -> None:
    assert shown(BY_ID[action].asked(CHAIN, so_far)) == fill(request_, question=left)


def test_what_it_reads_of_other_requests() -> None:
    so_far = ["5 minus 6 is 9.", "What is 9 times 7 on the dial?"]
    told = so_far_told(so_far)
    left = ask(9, STEPS[1:])
    assert shown(fill(COMPLETE, question=CHAIN, so_far=told)) == fill(STEP_BY_STEP, question=left)
    begun = ask(5, STEPS[:1])
    assert shown(fill(VALUE, question=CHAIN, so_far=told)) == fill(CHECK, question=begun, digit="9")
    sub_question = BY_ID["A3"]
    assert shown(sub_question.asked_then(CHAIN, so_far[:1], so_far[1])) == fill(STEP_BY_STEP, question=so_far[1])
    last = sub_question.asked_then(CHAIN, so_far[:1], taught.LAST)
    assert shown(last) == fill(STEP_BY_STEP, question=left)
    for other in ("Good day!", fill(STEP_BY_STEP, question=CHAIN)):
        assert shown(other) == other


def test_every_prompt_of_a_search_was_taught() -> None:
    wrong = BY_ID["A2"].asked(
        CHAIN, []
    )  # the rest, at the root: its trace is a wrong one, and the second model is asked
    models = Models(pupil(CHAIN, wrong), pupil(CHAIN, model="discriminator"))
    outcome = Search(replace(DEEP, rollouts=24, temperature=None)).run(models, CHAIN, 0)
    assert outcome.answer == truth(CHAIN) == "7"
    assert set(outcome.found) == {"7", "0"}
    assert outcome.cost.completions == len(models.generator.prompts)  # type: ignore[attr-defined]
    assert outcome.checking.completions == len(models.discriminator.prompts) > 0  # type: ignore[attr-defined]
    asked = {messages[-1].text for messages in models.generator.prompts}  # type: ignore[attr-defined]
    assert all(any(one.endswith(action.prompt[-20:]) for one in asked) for action in ACTIONS)


def test_votes_and_tree_of_thoughts_ask_what_was_taught() -> None:
    models = Models(pupil(CHAIN), pupil(CHAIN))
    assert Vote(3, 1.0).run(models, CHAIN, 0).found == ("7", "7", "7")
    assert Branch(1.0).run(models, CHAIN, 0).answer == "7"


@pytest.mark.parametrize("kind", LESSONS)
def test_lessons_say_what_is_right(kind: str) -> None:
    rng = Random(kind)
    for question in MANY:
        prompt, reply = LESSONS[kind](question, rng)
        if kind in ("A2", "step by step"):
            assert final_answer(reply) == truth(prompt)
        elif kind == "judge":
            given = prompt.removesuffix("?")[-1]
            assert outlook(reply) == ("sure" if truth(prompt) == given else "impossible")
        elif kind == "A5":
            found = shown(BY_ID["A2"].asked(question, [reply]))
            assert found == fill(STEP_BY_STEP, question=question)
        elif kind == "A3":
            assert (reply == taught.LAST) == (len(read_question(prompt)[1]) == 1)
        else:
            line = next(one for one in reply.splitlines() if " is " in one)
            digit, said, operand, _, result = line.rstrip(".").split()
            step = ({"plus": "Add", "minus": "Subtract", "times": "Multiply by"}[said], int(operand))
            assert truth(ask(int(digit), [step])) == result


def test_every_lesson_fits_into_the_context() -> None:
    from langdistill.lab import lab_model

    tokenizer = lab_model().decoder.tokenizer
    told = [one for index, question in enumerate(MANY) for one in lessons(str(index), question, 1)]
    assert len({one.id for one in told}) == len(told) == len(MANY) * len(LESSONS)
    assert all(len(tokenizer.apply_chat_template([*one.input, *one.output])["input_ids"]) < CONTEXT / 2 for one in told)


DRAWN = Outcome(answer="3", found=("4", "3", None, "3"), cost=Cost(4, 50, 80))


@pytest.mark.parametrize(
    ("samples", "answer", "cost"), [(1, "4", (1, 50, 20)), (2, "4", (2, 50, 40)), (4, "3", (4, 50, 80))]
)
def test_fewer_votes_are_the_first_ones(samples: int, answer: str, cost: tuple[int, int, int]) -> None:
    assert (voted(DRAWN, samples).answer, voted(DRAWN, samples).cost) == (answer, cost)


def test_samples_at_the_tokens_of_a_search_count_its_second_model() -> None:
    like = [Outcome(cost=Cost(3, 60, 20), checking=Cost(1, 10, 20)), Outcome(cost=Cost(3, 60, 10))]
    assert samples_at([DRAWN, DRAWN], like) == 2  # 180 tokens, of which 100 are read: 40 a question are two samples
    with pytest.raises(ValueError, match="4 were drawn"):
        voted(DRAWN, 5)


TINY = Settings(
    problems=6,
    final=3,
    max_tokens=48,
    recipe=Settings().recipe.model_copy(update={"steps": 2, "batch_size": 2}),
)
ARMS = {
    "rstar": Search(replace(DEEP, rollouts=2, depth=2, thoughts=1, sub_questions=1, last_votes=2, votes=1)),
    "votes": Vote(3, 1.2),
    "branch": Branch(1.2),
}


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_the_loop_from_lessons_to_outcomes_goes_on_where_it_stopped(tmp_path_factory: pytest.TempPathFactory) -> None:
    told: list[str] = []
    loop = SearchLoop(100, tmp_path_factory.mktemp("search"), lambda step, done, of: told.append(step), TINY)
    first = {name: loop.outcomes(name, arm) for name, arm in ARMS.items()}
    assert len(loop.dataset("generator").rows()) == 6 * len(LESSONS)
    assert loop.dataset("generator").hash != loop.dataset("discriminator").hash
    for outcomes in first.values():
        assert list(outcomes) == [one.id for one in loop.questions("final").problems]
        assert all(one.cost.completions > 0 and one.cost.generated > 0 for one in outcomes.values())
    assert {one.cost.completions for one in first["votes"].values()} == {3}
    results = loop.folder / "runs" / "votes-final" / "results.jsonl"
    kept = results.read_text().splitlines(keepends=True)
    results.write_text("".join(islice(kept, 1)))  # killed after the first question
    told.clear()
    again = SearchLoop(100, loop.folder, lambda step, done, of: told.append(step), TINY)
    assert {name: again.outcomes(name, arm) for name, arm in ARMS.items()} == first
    assert set(told) == {"seed 100: final, votes"}
    assert {path.name for path in loop.folder.glob("students/*/v*")} == {"v1"}, "no adapter is trained twice"
