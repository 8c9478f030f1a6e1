"""The search world: its problems, and a model that errs as it is told to."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from langchain_core.messages import HumanMessage

from langdistill.answers import final_answer
from langdistill.jobs import sample_path
from langdistill.lab.search.comparing import Cost, samples_for, voted
from langdistill.lab.search.reasoner import (
    Rates,
    discriminator,
    generator,
    place_in,
    reasoner,
    stumbles,
)
from langdistill.lab.search.simulating import STRONG, WEAK, Simulation, simulated
from langdistill.lab.search.world import DAYS, SIZES, Change, Story, draw, story_in
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.search.actions import ACTIONS
from langdistill.search.mutual_reasoning import COMPLETE

THOUGHT, REST, ASK, AGAIN, REPHRASE = ACTIONS
STORY = Story(
    "Ann", "socks", 40, (Change("Monday", "+", 7), Change("Tuesday", "-", 3, pairs=True), Change("Wednesday", "*", 2))
)
NEVER = Rates(0, 0, 0, 0, stumbles=0, doubts=0)
ALWAYS = Rates(0, 0, 0, 0, stumbles=1, rushed=1, careful=1, asked=1, rephrased=0, doubts=0)


def said(prompt: str, rates: Rates = NEVER, n: int = 1) -> list[str]:
    model = reasoner(rates)
    return [one.text for one in model.generate([[HumanMessage(prompt)]], n=n).generations[0]]


def test_a_story_and_its_graph() -> None:
    assert STORY.text == (
        "Ann has 40 single socks. On Monday Ann buys 7 socks. On Tuesday Ann loses 3 pairs of socks. "
        "On Wednesday Ann has 2 times as many socks as the day before. How many single socks has Ann at the end?"
    )
    assert story_in(STORY.text) == story_in(f"{STORY.text}\n\nOn Monday Ann buys 9 socks.") == STORY
    assert (STORY.ends_in(), STORY.ends_in(misread=True)) == (82, 88)
    with pytest.raises(ValueError, match="A problem of the search world was expected"):
        story_in("How many?")


def test_problems() -> None:
    drawn = draw(200, seed=3)
    stories = [story_in(one.question) for one in drawn.problems]
    assert draw(200, seed=3) == drawn
    assert draw(200, seed=4).problems[0].question != drawn.problems[0].question
    assert len({one.question for one in drawn.problems}) == 200
    assert Counter(len(one.changes) for one in stories).keys() == set(SIZES)
    for problem, story in zip(drawn.problems, stories, strict=True):
        assert story.text == problem.question
        assert [one.day for one in story.changes] == list(DAYS[: len(story.changes)])
        assert sum(one.pairs for one in story.changes) == 1
        assert drawn.gold[problem.id] == str(story.ends_in()) != str(story.ends_in(misread=True))
        assert drawn.gold[problem.id] not in re.findall(r"-?\d+", problem.id)


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (THOUGHT.asked(STORY.text, []), "Monday: 40 + 7 = 47."),
        (THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 47."]), "Tuesday: 47 - 6 = 41."),
        (THOUGHT.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), "Wednesday: 41 * 2 = 82.\nAnswer: 82"),
        (THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 1."]), "Tuesday: 1 - 6 = -5."),
        (REST.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), "Wednesday: 41 * 2 = 82.\nAnswer: 82"),
        (REST.asked(STORY.text, ["Wednesday: 41 * 2 = 82.", "Answer: 82"]), "Answer: 82"),
        (ASK.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), f"Now we can answer: {STORY.asked}"),
        (ASK.asked_then(STORY.text, [], "How many socks has Ann after Monday?"), "Monday: 40 + 7 = 47.\nAnswer: 47"),
        (
            ASK.asked_then(STORY.text, ["Monday: 40 + 7 = 47."], f"Now we can answer: {STORY.asked}"),
            "Tuesday: 47 - 6 = 41.\nWednesday: 41 * 2 = 82.\nAnswer: 82",
        ),
        (AGAIN.asked(STORY.text, ["Monday: 40 + 7 = 44."]), "Monday: 40 + 7 = 47.\nAnswer: 47"),
        (
            REPHRASE.asked(STORY.text, []),
            "Given: 40 at first.\nGiven: on Monday 7 (+).\nGiven: on Tuesday 3 pairs, which are 6 pieces (-).\n"
            f"Given: on Wednesday 2 (*).\nAsked: {STORY.asked}",
        ),
        (
            fill(STEP_BY_STEP, question=STORY.text),
            "Monday: 40 + 7 = 47.\nTuesday: 47 - 6 = 41.\nWednesday: 41 * 2 = 82.\nAnswer: 82",
        ),
        (
            fill(COMPLETE, question=STORY.text, so_far="Steps so far:\nTuesday: 47 - 3 = 44.\n\n"),
            "Wednesday: 44 * 2 = 88.\nAnswer: 88",
        ),
    ],
)  # fmt: skip
def test_who_never_errs(prompt: str, reply: str) -> None:
    assert said(prompt) == [reply]


def test_who_always_misreads_takes_pairs_for_pieces_until_they_are_listed() -> None:
    assert final_answer(said(REST.asked(STORY.text, []), ALWAYS)[0]) == "88"
    assert said(THOUGHT.asked(STORY.text, ["Monday: 40 + 7 = 47."]), ALWAYS) == ["Tuesday: 47 - 3 = 44."]
    [listed] = said(REPHRASE.asked(STORY.text, []), ALWAYS)
    assert final_answer(said(REST.asked(STORY.text, [listed]), ALWAYS)[0]) == "82"
    [unlisted] = said(REPHRASE.asked(STORY.text, []), Rates(stumbles=1, rephrased=1))
    assert "on Tuesday 3 (-)" in unlisted
    assert final_answer(said(REST.asked(STORY.text, [unlisted]), ALWAYS)[0]) == "88"


def test_who_doubts_begins_anew() -> None:
    begun = fill(COMPLETE, question=STORY.text, so_far="Steps so far:\nTuesday: 47 - 3 = 44.\n\n")
    doubts = Rates(0, 0, 0, 0, stumbles=0, doubts=1)
    assert said(begun, doubts)[0].startswith("Monday: 40 + 7 = 47.\n")
    assert final_answer(said(begun, doubts)[0]) == "82"


@pytest.mark.parametrize(
    ("prompt", "rate"),
    [
        (THOUGHT.asked(STORY.text, []), 0.10),
        (ASK.asked_then(STORY.text, [], "How many socks has Ann after Monday?"), 0.06),
        (AGAIN.asked(STORY.text, ["Monday: 40 + 7 = 47."]), 0.03),
        (REST.asked(STORY.text, []), 1 - (1 - 3 * 0.02) ** 3),
        (REST.asked(STORY.text, ["Monday: 40 + 7 = 47."]), 1 - (1 - 2 * 0.02) ** 2),
        (REST.asked(STORY.text, ["Tuesday: 47 - 6 = 41."]), 0.02),
    ],
)
def test_errors_by_chance_are_as_frequent_as_told(prompt: str, rate: float) -> None:
    right = said(prompt)[0].splitlines()[-1]
    replies = said(prompt, Rates(stumbles=0), n=4000)
    wrong = sum(one.splitlines()[-1] != right for one in replies) / 4000
    assert wrong == pytest.approx(rate, abs=4 * (rate * (1 - rate) / 4000) ** 0.5 + 0.005), (
        "a second slip may undo the first"
    )


def test_a_reply_follows_from_the_prompt_and_the_index_of_its_sample() -> None:
    prompt = THOUGHT.asked(STORY.text, [])
    together = said(prompt, Rates(), n=40)
    model = reasoner(batched=False)
    apart = list[str]()
    for index in reversed(range(40)):
        entered = sample_path.set((index,))
        apart.append(model.invoke(prompt).text)
        sample_path.reset(entered)
    assert apart[::-1] == together
    assert len(set(together)) > 1
    assert (model.requests, len(model.prompts)) == (40, 40)


def test_two_models_stumble_over_the_same_or_over_others() -> None:
    questions = [one.question for one in draw(400, seed=0).problems]
    one, other = ([stumbles(text, trap=trap) for text in questions] for trap in ("generator", "discriminator"))
    assert sum(one) == pytest.approx(200, abs=40)
    assert sum(a == b for a, b in zip(one, other, strict=True)) == pytest.approx(200, abs=40), "independent"
    names = {one.model for one in (generator(), generator(5), discriminator(), discriminator(correlated=True))}
    assert len(names) == 4


def test_samples_for_so_many_tokens() -> None:
    """Ten tokens a sample, and the prompt's fifty once."""
    assert samples_for(1000, Cost(completions=10, read=50, generated=100)) == 95
    assert samples_for(20, Cost(completions=10, read=50, generated=100)) == 1
    drawn = voted(reasoner(NEVER), STORY.text, 4)
    assert drawn.answer == "82"
    assert drawn.cost == Cost(4, len(fill(STEP_BY_STEP, question=STORY.text).split()), 4 * 20)
    assert voted(reasoner(NEVER), STORY.text, samples_for(1000, drawn.cost)).cost.tokens == pytest.approx(1000, abs=10)


def test_votes_do_not_help_against_misreading() -> None:
    """Of 40 problems those that it reads well become right by votes, and the others wrong in one and the same way."""
    drawn = draw(40, seed=1)
    stumbling = Rates(stumbles=1)
    for rates, ends in ((Rates(stumbles=0), False), (stumbling, True)):
        answers = [voted(reasoner(rates), one.question, 200).answer for one in drawn.problems]
        expected = [str(story_in(one.question).ends_in(misread=ends)) for one in drawn.problems]
        assert sum(a == b for a, b in zip(answers, expected, strict=True)) >= 38


@pytest.mark.parametrize("prompt", ["What now?", f"{STORY.text}\nSay it."])
def test_what_it_does_not_know(prompt: str) -> None:
    with pytest.raises(ValueError, match="A prompt of rStar's actions or of self-consistency was expected"):
        place_in(prompt)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (STRONG, {"majority": 0.796, "repo": 0.878, "product": 0.877}),
        (WEAK, {"majority": 0.793, "repo": 0.695, "product": 0.750}),
    ],
)
def test_the_simulations_of_the_analysis(setting: Simulation, expected: dict[str, float]) -> None:
    """8,000 draws: four standard errors are 0.018 beside the 40,000 draws of the analysis, and ties are decided otherwise there."""
    found = simulated(setting, 8000, Random(1))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=0.02)
    assert found["smoothed"] > found["majority"] - 0.01, "a weak second model does no harm"


def test_gold_in_the_selection_would_pay() -> None:
    """The leak of the authors' code: with six candidates and a weak discriminator 0.7 points; the same draws, so that it is paired."""
    found = simulated(Simulation(6, 0.6, 0.4), 8000, Random(1))
    assert found["leak"] - found["repo"] == pytest.approx(0.007, abs=0.004)
