from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from langchain_core.messages import BaseMessage

from langdistill.answers import final_answer, outlook, same
from langdistill.lab.arithmetic import TASK, ask, truth
from langdistill.lab.search.arms import DEEP, Branch, Models, Outcome, Search, Vote, at_tokens, voted
from langdistill.lab.search.comparing import Cost
from langdistill.lab.search.lessons import (
    LESSONS,
    PROPOSE,
    Way,
    completion,
    lessons,
    request,
    rightly,
    second_request,
    walk,
    way_to,
)
from langdistill.lab.search.loop import SearchLoop, Settings
from langdistill.lab.search.words import COMPLETE, JUDGE, WORDED
from langdistill.lab.tokenizer import CONTEXT
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.search.actions import so_far_told
from langdistill.testing.models import OneReplyChatModel

CHAIN = ask(5, [("Subtract", 6), ("Multiply by", 7), ("Add", 4)])
MANY = [one.question for one in TASK.draw(60, seed=1, pool="train").problems]


def right_ways(question: str) -> Iterator[Way]:
    """All ways on which nothing slips."""
    ahead = [Way(question)]
    while ahead:
        way = ahead.pop()
        yield way
        if way.left:
            ahead += [way.then(one.id, PROPOSE[one.id](way, rightly)) for one in WORDED.after(way.action)]


def taught(question: str) -> dict[str, str]:
    """Every prompt of the search to which the lessons know a reply, where nothing slips."""
    found: dict[str, str] = {fill(STEP_BY_STEP, question=question): request(Way(question), "A2")[1]}
    for way in right_ways(question):
        if way.left:
            found |= dict(request(way, one.id) for one in WORDED.after(way.action))
            if "A3" in {one.id for one in WORDED.after(way.action)}:
                found |= [second_request(way)]
    return found


def pupil(replies: dict[str, str], wrong: str | None = None) -> OneReplyChatModel:
    """Says what was taught and fails on any other prompt; where a prompt ends so, it gives a wrong answer."""

    def said(messages: list[BaseMessage], number: int) -> str:
        told = replies[messages[-1].text]
        return 'Answer: "0"' if wrong and messages[-1].text == wrong else told

    return OneReplyChatModel(script=said)


def test_a_lesson_of_each_action() -> None:
    way = Way(CHAIN).then("A1", PROPOSE["A1"](Way(CHAIN), rightly))
    assert way.told == ["5 minus 6 is 9.\nBegin at 9, then times 7, then plus 4."]
    assert request(way, "A1")[1] == "9 times 7 is 3.\nBegin at 3, then plus 4."
    assert request(way, "A2")[1] == '9 times 7 is 3.\n3 plus 4 is 7.\nAnswer: "7"'
    assert request(way, "A3")[1] == "What is 9 times 7 on the dial?"
    assert second_request(way)[1] == '9 times 7 is 3.\nBegin at 3, then plus 4.\nAnswer: "3"'
    asked = way.then("A3", PROPOSE["A3"](way, rightly))
    assert request(asked, "A3")[1] == "Now we can answer the question."
    assert second_request(asked)[1] == '3 plus 4 is 7.\nAnswer: "7"'
    assert request(asked, "A4")[1] == second_request(way)[1]
    assert request(Way(CHAIN), "A5")[1] == "Begin at 5, then minus 6, then times 7, then plus 4."


def test_what_is_taught_is_what_the_search_asks() -> None:
    replies = taught(CHAIN)
    slips = replace(WORDED.actions[1]).asked(CHAIN, [])  # the rest, asked at the root: its trace is a wrong one
    generator = pupil(replies, wrong=slips)
    second: list[str] = []

    def completes(messages: list[BaseMessage], number: int) -> str:
        second.append(messages[-1].text)
        return 'Answer: "7"'

    discriminator = OneReplyChatModel(script=completes)
    settings = replace(DEEP, rollouts=24, temperature=None)
    outcome = Search(settings).run(Models(generator, discriminator), CHAIN, 0)
    assert outcome.answer == "7"
    assert set(outcome.found) == {"7", "0"}
    begun = {completion(CHAIN, way.lines[:cut])[0] for way in right_ways(CHAIN) for cut in range(1, len(way.lines))}
    lone = {fill(COMPLETE, question=CHAIN, so_far="")}  # nothing is left of the wrong trace but its answer
    assert second
    assert set(second) <= begun | lone
    asked = {messages[-1].text for messages in generator.prompts}
    assert all(any(one.endswith(prompt.rpartition("}")[2]) for one in asked) for prompt in TAILS)


TAILS = [one.prompt for one in WORDED.actions] + [one.then for one in WORDED.actions if one.then]


def test_votes_and_tree_of_thoughts_ask_what_is_taught() -> None:
    replies = taught(CHAIN)
    models = Models(pupil(replies), pupil({}))
    assert Vote(3, 1.0).run(models, CHAIN, 0).found == ("7", "7", "7")
    ways = [Way(CHAIN)]
    while ways[-1].left:
        ways.append(ways[-1].then("A1", PROPOSE["A1"](ways[-1], rightly)))
    judged = {fill(JUDGE, question=CHAIN, so_far=so_far_told(way.told)): "sure" for way in ways[1:]}
    assert Branch(1.0).run(Models(pupil(replies | judged), pupil({})), CHAIN, 0).answer == "7"


@pytest.mark.parametrize("question", MANY[:12])
def test_lessons_say_what_is_right_after_a_way_that_may_have_slipped(question: str) -> None:
    rng = Random(question)
    for _ in range(20):
        *_, whole = walk(question, rng)
        shown = whole.lines[: rng.randrange(1, len(whole.lines))]
        digit, left = shown[-1].digit, Way(question, steps=(tuple(shown),)).left
        rest = ask(digit, left) if left else None
        assert same(final_answer(completion(question, shown)[1]), truth(rest) if rest else str(digit))


def test_judgements_are_read_and_say_whether_a_step_slipped() -> None:
    found = [LESSONS["judge"](one, Random(one)) for one in MANY]
    assert {outlook(reply) for _, reply in found} == {"sure", "impossible"}
    for _, reply in found:
        differences = {line.split(". ")[1].rstrip(".").rpartition(" ")[2] for line in reply.splitlines()[:-1]}
        assert (outlook(reply) == "sure") == (differences == {"0"})


def test_ways_come_to_every_place_and_may_slip() -> None:
    ways = [way_to(MANY[0], "A3", Random(seed)) for seed in range(200)]
    chain = len(Way(MANY[0]).left)
    assert {way.at[0] for way in ways} == set(range(chain))
    right = {tuple(way.told) for way in right_ways(MANY[0])}
    assert 0 < sum(tuple(way.told) not in right for way in ways) < len(ways)


def test_every_lesson_fits_into_the_context() -> None:
    from langdistill.lab import lab_model

    tokenizer = lab_model().decoder.tokenizer
    shown = [one for index, question in enumerate(MANY) for one in lessons(str(index), question, 1)]
    assert len({one.id for one in shown}) == len(shown) == len(MANY) * len(LESSONS)
    for one in shown:
        messages = [*one.input, *one.output]
        assert len(tokenizer.apply_chat_template(messages)["input_ids"]) < CONTEXT - 64


DRAWN = Outcome(answer="3", found=("4", "3", None, "3"), cost=Cost(4, 50, 80))


@pytest.mark.parametrize(
    ("samples", "answer", "cost"),
    [(1, "4", (1, 50, 20)), (2, "4", (2, 50, 40)), (4, "3", (4, 50, 80))],
)
def test_fewer_votes_are_the_first_ones(samples: int, answer: str, cost: tuple[int, int, int]) -> None:
    assert (voted(DRAWN, samples).answer, voted(DRAWN, samples).cost) == (answer, cost)


def test_votes_at_the_tokens_of_a_search_count_its_second_model() -> None:
    like = Outcome(cost=Cost(3, 60, 20), checking=Cost(1, 10, 20))
    assert at_tokens(DRAWN, like).cost == (3, 50, 60)
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
    assert any(told)
    results = loop.folder / "runs" / "votes-final" / "results.jsonl"
    kept = results.read_text()
    results.write_text("".join(islice(kept.splitlines(keepends=True), 1)))  # killed after the first question
    told.clear()
    assert {name: loop.outcomes(name, arm) for name, arm in ARMS.items()} == first
    assert set(told) == {"seed 100: final, votes"}
    assert {path.name for path in loop.folder.glob("students/*/v*")} == {"v1"}, "no adapter is trained twice"
